"""A short piece of a run, measured: what a forecast is made from.

The probe is a real one: the cascade makes cells on what one actor of the run would claim, and a composer task composes
and encodes frames from them. Nothing is written.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from raysynth.actors.pipeline import Synthesiser, environment
from raysynth.actors.pool import COMPOSER_CPUS, Pool
from raysynth.actors.provenance import manifest_of
from raysynth.actors.sources import BankCells, BundleCells, CellSource
from raysynth.population.cell import Cell
from raysynth.population.compose import compose_shard
from raysynth.population.settings import CompositionSettings
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import encode_frames

# Few cells take longer each than a full batch, so the probe grows until its time means something.
_LEAST_CELLS = 8
_MOST_FRAMES = 8


@dataclass(frozen=True)
class Probe:
    """What was measured.

    Attributes
    ----------
    cells
        Cells that were made, or read from the bank.
    synthesis_s
        Seconds that took; 0 from a bank.
    frames
        Frames that were composed and encoded.
    composition_s
        Seconds that took.
    placed
        Cells placed in them.
    encoded_bytes
        Their size.
    """

    cells: int
    synthesis_s: float
    frames: int
    composition_s: float
    placed: int
    encoded_bytes: int


def take_probe(source: CellSource, seconds: float) -> Probe:
    """Make some cells and frames on the cluster that this process is connected to.

    Parameters
    ----------
    source
        The cells.
    seconds
        Of synthesis after which the probe is long enough. It makes twice as many cells each time until then, or until
        it has made a shard's.

    Returns
    -------
    Probe
        What was measured.
    """
    if isinstance(source, BankCells):
        generate = source.config.generate
        cells = source.bank.read(source.bank.index.chosen(generate.seed, 0, generate.parts_per_shard))
        return Probe(len(cells), 0.0, *_composed(source, cells))
    cells, spent = _synthesised(source, seconds)
    return Probe(len(cells), spent, *_composed(source, cells))


def _synthesised(source: BundleCells, seconds: float) -> tuple[list[Cell], float]:
    """Cells of the cascade, and the seconds they took."""
    wanted = source.config.generate.cells_per_shard
    count = min(_LEAST_CELLS, wanted)
    while True:
        factory = source.make_factory(source.config.with_(generate={"cells_per_shard": count}))
        # Each round is a task of its own, and the last and largest one alone counts.
        made, spent = ray.get(_synthesise.options(**_claim(source, source.pool)).remote(factory))
        if spent >= seconds or count == wanted:
            return made, spent
        count = min(2 * count, wanted)


def _composed(source: CellSource, cells: Sequence[Cell]) -> tuple[int, float, int, int]:
    """Frames composed, the seconds that took, cells placed, and bytes, by a composer task."""
    settings, spec = CompositionSettings.of(source.config), manifest_of(source).dataset
    seed, statistics = source.config.generate.seed, source.statistics
    measured: tuple[int, float, int, int] = ray.get(
        _compose.options(**_claim(source)).remote(cells, statistics, settings, seed, spec)
    )
    return measured


def _claim(source: CellSource, pool: Pool | None = None) -> dict[str, Any]:
    """Ray's options of a task that works as an actor of `pool` would, or as a composer task."""
    runtime_env = environment(source.config.runtime.threads)
    if pool is None:
        return {"num_cpus": COMPOSER_CPUS, "runtime_env": runtime_env}
    return {"num_cpus": pool.cpus, "num_gpus": pool.gpus, "runtime_env": runtime_env}


@ray.remote(max_retries=0)
def _synthesise(factory: Callable[[], Synthesiser]) -> tuple[list[Cell], float]:
    synthesise = factory()
    begun = time.perf_counter()
    # After the models are loaded, which an actor does once for all its shards.
    made = synthesise(0)
    return made.cells, time.perf_counter() - begun


@ray.remote(max_retries=0)
def _compose(
    cells: Sequence[Cell],
    statistics: PopulationStatistics,
    settings: CompositionSettings,
    seed: int,
    spec: DatasetSpec,
) -> tuple[int, float, int, int]:
    """Frames composed and encoded, the seconds that took, cells placed in them, and their bytes."""
    frames = range(min(_MOST_FRAMES, len(spec.shard_frames(0))))
    begun = time.perf_counter()
    made = compose_shard(cells, statistics, settings, seed, 0, frames)
    encoded = encode_frames(spec, 0, made.images, made.labels)
    spent = time.perf_counter() - begun
    return len(frames), spent, made.counts["placed"], sum(map(len, encoded.values()))
