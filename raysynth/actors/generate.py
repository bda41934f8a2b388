"""`raysynth generate`: from a bundle to a data set, or from half a data set to a whole one."""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from raysynth.actors import attempts, pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.cluster import cluster
from raysynth.actors.meter import Meter
from raysynth.actors.pipeline import Report
from raysynth.actors.sources import Factory, KeepingFactory, Source, from_bank, from_bundle
from raysynth.actors.work import CascadeFactory, ShardComposer
from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError
from raysynth.base.lease import Lease, require_lease
from raysynth.base.objects import Objects, absolute
from raysynth.config import Config
from raysynth.population.bank import BankIndex, BankWriter
from raysynth.store.dataset import RUNS, create_dataset, finalise, invalidate, read_manifest
from raysynth.store.manifest import Manifest
from raysynth.store.marks import done_shards, record_failure
from raysynth.store.spec import DatasetSpec
from raysynth.train.run import bundle_folder

Track = Callable[[Iterator[Report], int, Callable[[], str]], Iterable[Report]]
VERSIONS = ("raysynth", "torch", "diffusers", "numpy", "scipy", "scikit-image", "zarr", "numcodecs", "pyarrow")
# Settings that leave the bytes alone, or stand in the manifest by themselves. The bundle's hash stands for the data.
NOT_BYTES: dict[str, Any] = {
    "name": True,
    "bundle": True,
    "workspace": True,
    "storage": True,
    "data": True,
    "crops": True,
    "evaluate": True,
    "generate": {"out", "frames", "seed", "dtype"},
    "runtime": {"device", "actors", "max_actors", "cpus_per_actor", "max_attempts", "max_failures"},
    **{model: {"train"} for model in ("masks", "views", "texture")},
}


def generate(
    config: Config,
    out: str | None = None,
    frames: int | None = None,
    seed: int | None = None,
    address: str | None = None,
    *,
    cells: str | None = None,
    keep_cells: str | None = None,
    again: Collection[int] = (),
    factory: Factory = CascadeFactory,
    track: Track = lambda reports, total, state: reports,
) -> dict[str, Any]:
    """Make the data set of `config`, go on with it where a run was cut off, or extend it to more frames.

    out, frames, seed: instead of those in `config.generate`. address: a Ray cluster; None: this machine.
    cells: a bank (folder or s3:// address) to compose from, without any model. keep_cells: where to keep the cells that
    are made as such a bank.
    again: shards to make anew although they are done.
    factory: what the actors run, given the bundle, the config and the device. track: wraps the stream of the
    given number of reports, for a progress bar; its last argument says in a line how the run is doing.
    Returns the summary of the run; its `failed` gives the reason for each shard that could not be made.
    Raises InputError for a bad setting, bundle, target or cluster, and while another run writes the data set.
    """
    given = {"out": out, "frames": frames, "seed": seed}
    changed = config.generate.model_copy(update={name: value for name, value in given.items() if value is not None})
    config = config.model_copy(update={"generate": changed})
    settings = _settings(config, cells)
    if cells is not None and keep_cells is not None:
        raise InputError("--cells composes from cells that are kept already: leave --keep-cells out")
    with cluster(address) as resources:
        source = from_bank(config, cells) if cells is not None else from_bundle(config, resources, factory)
        config, manifest = source.config, describe(source)
        spec, uri = manifest.dataset, config.generate.out
        target = Objects(absolute(uri), create=True)
        if target.holds_other_than(RUNS):
            read_manifest(target)  # a folder of something else is refused before a lease is left in it
        keeping = None if keep_cells is None else _keeping(keep_cells, source, manifest, done_shards(target.uri))
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        with Lease(target, run):
            create_dataset(target.uri, manifest)
            if again:
                invalidate(target.uri, again)
            done = done_shards(target.uri)
            pending = sorted(set(range(spec.shards)) - done)
            synthesiser = source.factory
            if keeping is not None and synthesiser is not None:
                keeping.writer.begin(keeping.index)
                synthesiser = KeepingFactory(synthesiser, keeping.writer)
            reports = pipeline.run(
                pending,
                synthesiser,
                source.composer(ShardComposer(target, run, config, source.statistics, spec)),
                Attempts(target, run, config.runtime.max_attempts),
                source.pool,
                config.runtime.threads,
            )
            meter = Meter(source.pool.actors if source.pool is not None else 0)
            tracked = track(meter.measured(reports), len(pending), meter.line)
            record: dict[str, Any] = {"run": run, "started": _now(), "settings": settings, "shards": []}
            target.put(f"{RUNS}{run}.json", canonical_json(record))
            summary = _follow(tracked, target, record, source, meter)
            if keeping is not None:
                bank = keeping.writer.seal(done_shards(target.uri))
                summary["bank"] = {"place": keeping.writer.objects.uri, "parts": len(bank.parts), "cells": bank.cells}
    return {"dataset": target.uri, "run": run, "device": source.device, "shards": spec.shards} | summary


@dataclass(frozen=True)
class _Keeping:
    """The bank that a run keeps its cells in."""

    writer: BankWriter
    index: BankIndex


def _keeping(place: str, source: Source, manifest: Manifest, done: Set[int]) -> _Keeping:
    """The bank at `place`, not begun yet; InputError when it is another, or lacks the cells of shards that are done."""
    writer = BankWriter(Objects(absolute(place), create=True))
    fixed = manifest.model_dump(include={"config", "bundle", "versions", "device", "seed"})
    index = BankIndex(**fixed, statistics=source.statistics)
    writer.check(index)
    if lost := sorted(done - writer.kept()):
        raise InputError(
            f"--keep-cells {place}: shard {lost[0]} was made before without keeping its cells: choose another --out"
        )
    return _Keeping(writer, index)


def describe(source: Source) -> Manifest:
    """The manifest of the data set that comes from `source`."""
    config = source.config
    dataset = DatasetSpec(
        frames=config.generate.frames,
        frame_shape=config.population.frame_px,
        dtype=source.statistics.dtype,
        voxel_um=config.data.voxel_um,
        frames_per_shard=config.generate.frames_per_shard,
        levels=config.generate.levels,
    )
    return Manifest(
        config=config.model_dump(mode="json", exclude=NOT_BYTES),
        bundle=source.digest,
        versions={package: version(package) for package in VERSIONS},
        device=source.device,
        seed=config.generate.seed,
        dataset=dataset,
    )


def _settings(config: Config, cells: str | None) -> dict[str, Any]:
    """What `verify --repair` needs to go on, on any machine that sees the same folders."""
    places = {"bundle": config.bundle or str(bundle_folder(config))}
    if Path(places["bundle"]).is_dir():
        places["bundle"] = str(Path(places["bundle"]).absolute())
    bank = None if cells is None else absolute(cells)
    return {"config": config.model_dump(mode="json") | places, "cells": bank}


def _follow(
    reports: Iterable[Report], target: Objects, record: dict[str, Any], source: Source, meter: Meter
) -> dict[str, Any]:
    """Record what becomes of each shard, then finish the data set; returns the run's summary."""
    pool, run = asdict(source.pool) if source.pool is not None else {}, record["run"]
    try:
        for report in reports:
            record["shards"].append(asdict(report))
            if report.reason is not None:
                record_failure(target.uri, report.shard, report.reason)
            require_lease(target, run)
        manifest = finalise(target.uri)
        attempts.clear(target)
        distinct = source.distinct_cells(manifest.dataset.shards) or manifest.counts.get("cells", 0)
        record["summary"] = pool | summarise(record["shards"], manifest.counts, distinct) | meter.record()
    finally:
        target.put(f"{RUNS}{run}.json", canonical_json(record | {"ended": _now()}))
    return record["summary"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def summarise(shards: list[dict[str, Any]], counts: dict[str, int], cells: int) -> dict[str, Any]:
    """What a run made, and what failed and why, from its shards' reports.

    counts: totals of the whole data set. cells: different cells in it; `reuse` is how often each is placed, on average.
    """
    failed = {shard["shard"]: shard["reason"] for shard in shards if shard["reason"] is not None}
    return {
        "made": len(shards) - len(failed),
        "failed": failed,
        "counts": counts,
        "reuse": round(counts["uses_placed"] / cells, 3) if cells else None,
    }
