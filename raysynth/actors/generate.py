"""`raysynth generate`: from a bundle to a data set, or from half a data set to a whole one."""

import math
import secrets
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from raysynth.actors.attempts import Attempts, clear_attempts
from raysynth.actors.cluster import cluster
from raysynth.actors.finding import Factory, find_source
from raysynth.actors.keeping import BankKeeper, keeper_of
from raysynth.actors.meter import Meter
from raysynth.actors.provenance import manifest_of, run_settings
from raysynth.actors.record import RunRecord
from raysynth.actors.shard_outcome import ShardOutcome
from raysynth.actors.sources import BankCells, BundleCells, CellSource
from raysynth.actors.summary import RunSummary
from raysynth.actors.work import ShardComposer, cascade_factory
from raysynth.base.addresses import absolute
from raysynth.base.errors import InputError
from raysynth.base.lease import Lease, require_lease
from raysynth.base.objects import Objects
from raysynth.base.progress import Progress, no_progress
from raysynth.config import Config
from raysynth.population.settings import CompositionSettings
from raysynth.store.dataset import RUNS, create_dataset, finalise, invalidate, read_manifest
from raysynth.store.manifest import Manifest
from raysynth.store.marks import done_shards


def generate(
    config: Config,
    out: str | Path | None = None,
    frames: int | None = None,
    seed: int | None = None,
    address: str | None = None,
    *,
    cells: str | Path | None = None,
    keep_cells: str | Path | None = None,
    again: Collection[int] = (),
    factory: Factory = cascade_factory,
    progress: Progress = no_progress,
) -> RunSummary:
    """Make a data set, resume one where a run was cut off, or extend one to more frames.

    Parameters
    ----------
    config
        All settings.
    out, frames, seed
        Instead of those in `config.generate`.
    address
        Of a Ray cluster; None: this machine.
    cells
        Folder or address of a bank to compose from, without any model; None: the cells are made.
    keep_cells
        Folder or address of a bank in which the cells that are made are kept; None: nowhere.
    again
        Shards to make anew although they are done.
    factory
        Makes what the actors run; by default the cascade.
    progress
        Called with the number of shards that have ended, that of all to be made, and a line about the last one.

    Returns
    -------
    RunSummary
        What was made; its `failed` gives the reason for each shard that could not be.

    Raises
    ------
    InputError
        For a bad setting, bundle, target or cluster, and while another run writes the data set.
    RunError
        When the target is full, or the cluster cannot go on.
    """
    if cells is not None and keep_cells is not None:
        raise InputError("--cells composes from cells that are kept already: leave --keep-cells out")
    given = {"out": out, "frames": frames, "seed": seed}
    config = config.with_(generate={name: value for name, value in given.items() if value is not None})
    bank = None if cells is None else absolute(cells)
    found = find_source(config, bank)  # whatever is wrong with settings or bundle shows before Ray starts
    progress(0, math.ceil(config.generate.frames / config.generate.frames_per_shard), f"{_size(config)}; starting Ray")
    with cluster(address) as resources:
        plan = _plan(found.on(resources, factory), keep_cells)
        with Lease(plan.target, plan.run):
            return _run(plan, run_settings(config, bank), again, progress)


def _size(config: Config) -> str:
    generate = config.generate
    return f"{_many(generate.frames, 'frame')} in shards of {generate.frames_per_shard}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@dataclass(frozen=True)
class _Plan:
    """What a run is going to write, and where; nothing is written yet."""

    run: str
    source: CellSource
    manifest: Manifest
    target: Objects
    keeper: BankKeeper | None

    @property
    def composer(self) -> ShardComposer:
        source, seed = self.source, self.manifest.seed
        settings = CompositionSettings.of(source.config)
        return ShardComposer(self.target, self.run, settings, source.statistics, seed, self.manifest.dataset)


def _plan(source: CellSource, keep_cells: str | Path | None) -> _Plan:
    """Plan a run; a target or a bank that holds something else is refused before a lease is left in it."""
    manifest = manifest_of(source)
    target = Objects(absolute(source.config.generate.out), create=True)
    if target.holds_other_than(RUNS):
        read_manifest(target)
    # The time comes first, so that names sort by age; the rest tells apart runs that begin in one second.
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    if keep_cells is None or isinstance(source, BankCells):
        return _Plan(run, source, manifest, target, None)
    keeper = keeper_of(keep_cells, source, manifest, done_shards(target))
    return _Plan(run, keeper.source, manifest, target, keeper)


def _run(plan: _Plan, settings: dict[str, Any], again: Collection[int], progress: Progress) -> RunSummary:
    """Make what is missing, record what becomes of each shard, and finish the data set."""
    target, source = plan.target, plan.source
    create_dataset(target, plan.manifest)
    if again:
        invalidate(target, again)
    pending = sorted(set(range(plan.manifest.dataset.shards)) - done_shards(target))
    if plan.keeper is not None:
        plan.keeper.begin()
    progress(0, len(pending), f"{_many(len(pending), 'shard')} to make, {source.workers}")
    meter = Meter(source.actors)
    attempts = Attempts(target, plan.run, source.config.runtime.max_attempts)
    with RunRecord(target, plan.run, settings) as record:
        # Closed at once when the run is interrupted: no shard is begun that nobody waits for.
        with closing(source.run(pending, plan.composer, attempts)) as outcomes:
            ended = _follow(plan, outcomes, len(pending), record, meter, progress)
        counts = finalise(target).counts
        # Not before: until here the run may still try a shard again.
        clear_attempts(target)
        summary = _summarise(plan, ended, counts, meter)
        record.summarise(summary.run_values())
    return summary if plan.keeper is None else replace(summary, bank=plan.keeper.seal(done_shards(target)))


def _follow(
    plan: _Plan, outcomes: Iterable[ShardOutcome], total: int, record: RunRecord, meter: Meter, progress: Progress
) -> list[ShardOutcome]:
    """Take note of each shard as it ends, as long as the lease is ours."""
    ended: list[ShardOutcome] = []
    for outcome in outcomes:
        ended.append(outcome)
        meter.add(outcome)
        record.add(outcome)
        progress(len(ended), total, f"{outcome.line()}; {meter.rates().line()}")
        # After the outcome is recorded: whoever wrote the shard has checked the lease as well.
        require_lease(plan.target, plan.run)
    return ended


def _summarise(plan: _Plan, ended: list[ShardOutcome], counts: dict[str, int], meter: Meter) -> RunSummary:
    source, shards = plan.source, plan.manifest.dataset.shards
    failed = {outcome.shard: outcome.reason for outcome in ended if outcome.reason is not None}
    distinct = source.distinct_cells(shards, counts.get("cells", 0))
    return RunSummary(
        dataset=plan.target.uri,
        run=plan.run,
        device=source.device,
        shards=shards,
        made=len(ended) - len(failed),
        failed=failed,
        counts=counts,
        reuse=round(counts["uses_placed"] / distinct, 3) if distinct and counts else None,
        seconds=meter.seconds(),
        rates=meter.rates(),
        pool=source.pool if isinstance(source, BundleCells) else None,
        # From this run's outcomes: done marks, and so the counts, do not hold it.
        clipped=sum(outcome.counts.get("pixels_clipped", 0) for outcome in ended),
        dtype=plan.manifest.dataset.dtype,
    )
