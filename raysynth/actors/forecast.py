"""`raysynth generate --plan`: what a run will make, hold and take, from a probe of about a minute.

The probe is a real one: the cascade makes cells on what one actor of the run would claim, twice as many each time until
it has worked long enough, and a composer task composes and encodes frames from them. Nothing is written.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from raysynth.actors.cluster import cluster
from raysynth.actors.generate import describe
from raysynth.actors.pipeline import Synthesiser, environment
from raysynth.actors.pool import COMPOSER_CPUS, Pool
from raysynth.actors.sources import Factory, Source, from_bank, from_bundle
from raysynth.actors.work import CascadeFactory
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.population.bank import read_cells
from raysynth.population.cell import Cell
from raysynth.population.compose import compose_shard
from raysynth.store.spec import DatasetSpec
from raysynth.store.verify import expected_keys
from raysynth.store.writer import encode_frames

LEAST_CELLS = 8
FRAMES = 8


@dataclass(frozen=True)
class Probe:
    """What was measured: cells made and the seconds they took (0 from a bank); of frames, cells placed and bytes."""

    cells: int
    synthesis_s: float
    frames: int
    composition_s: float
    placed: int
    encoded_bytes: int


def forecast(
    config: Config,
    frames: int | None = None,
    address: str | None = None,
    *,
    cells: str | None = None,
    seconds: float = 20.0,
    factory: Factory = CascadeFactory,
) -> dict[str, Any]:
    """What `generate` with the same arguments would make and take.

    seconds: of synthesis after which the probe is long enough. Returns shards, frames, cells, reuse, bytes, files, the
    seconds a cell and a frame take, and the hours on this cluster; hours are those of the slower of the two stages,
    which overlap. Raises InputError as `generate` does.
    """
    if frames is not None:
        config = config.model_copy(update={"generate": config.generate.model_copy(update={"frames": frames})})
    with cluster(address) as resources:
        source = from_bank(config, cells) if cells is not None else from_bundle(config, resources, factory)
        probe = _probe(source, seconds, lambda changed: from_bundle(changed, resources, factory))
        return _figures(source, probe, resources.get("CPU", 1.0))


def _probe(source: Source, seconds: float, again: Callable[[Config], Source]) -> Probe:
    """Measure a source; `again` gives the same one for another number of cells."""
    if source.factory is None or source.pool is None:
        assert source.bank is not None
        parts = source.bank.chosen(source.config.generate.seed, 0, source.config.generate.parts_per_shard)
        kept = read_cells(Objects(source.place), parts)
        return Probe(len(kept), 0.0, *ray.get(_compose.options(**_claim(source)).remote(source, kept)))
    count, wanted = min(LEAST_CELLS, source.config.generate.cells_per_shard), source.config.generate.cells_per_shard
    while True:
        changed = source.config.generate.model_copy(update={"cells_per_shard": count})
        smaller = again(source.config.model_copy(update={"generate": changed}))
        assert smaller.factory is not None
        made, spent = ray.get(_synthesise.options(**_claim(source, source.pool)).remote(smaller.factory))
        if spent >= seconds or count == wanted:
            composed = ray.get(_compose.options(**_claim(source)).remote(source, made))
            return Probe(len(made), spent, *composed)
        count = min(2 * count, wanted)


def _claim(source: Source, pool: Pool | None = None) -> dict[str, Any]:
    """Ray's options of a task that works as an actor of `pool` would, or as a composer task."""
    runtime_env = environment(source.config.runtime.threads)
    if pool is None:
        return {"num_cpus": COMPOSER_CPUS, "runtime_env": runtime_env}
    return {"num_cpus": pool.cpus, "num_gpus": pool.gpus, "runtime_env": runtime_env}


@ray.remote(max_retries=0)
def _synthesise(factory: Callable[[], Synthesiser]) -> tuple[list[Cell], float]:
    synthesise = factory()
    begun = time.perf_counter()
    made = synthesise(0)
    return made.cells, time.perf_counter() - begun


@ray.remote(max_retries=0)
def _compose(source: Source, cells: Sequence[Cell]) -> tuple[int, float, int, int]:
    """Frames composed and encoded, the seconds it took, cells placed in them, and their bytes."""
    spec = describe(source).dataset
    frames = range(min(FRAMES, len(spec.shard_frames(0))))
    begun = time.perf_counter()
    made = compose_shard(cells, source.statistics, source.config, source.config.generate.seed, 0, frames)
    encoded = encode_frames(spec, 0, made.images, made.labels)
    spent = time.perf_counter() - begun
    return len(frames), spent, int(made.counts["placed"]), sum(map(len, encoded.values()))


def _figures(source: Source, probe: Probe, cpus: float) -> dict[str, Any]:
    spec: DatasetSpec = describe(source).dataset
    cell_s, frame_s = probe.synthesis_s / probe.cells, probe.composition_s / probe.frames
    distinct = source.distinct_cells(spec.shards)
    made = distinct is None
    cells = spec.shards * source.config.generate.cells_per_shard if distinct is None else distinct
    actors = source.pool.actors if source.pool is not None else 0
    claimed = actors * source.pool.cpus if source.pool is not None else 0.0
    composers = max(1, int(cpus - claimed))
    hours = max(cells * cell_s / max(actors, 1) if made else 0.0, spec.frames * frame_s / composers) / 3600
    per_frame = probe.placed / probe.frames
    return {
        "shards": spec.shards,
        "frames": spec.frames,
        "cells": cells,
        "cells_per_frame": per_frame,
        "reuse": per_frame * spec.frames / cells,
        "bytes": int(probe.encoded_bytes / probe.frames * spec.frames),
        "files": spec.shards * (len(expected_keys(spec, 0)) + 1),
        "device": source.device,
        "actors": actors,
        "seconds_per_cell": cell_s,
        "seconds_per_frame": frame_s,
        "hours": hours,
    }
