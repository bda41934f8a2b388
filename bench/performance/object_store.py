"""Let far more cells wait than the object store holds: a run whose composer is slower than its actors.

    python -m bench object_store [--suite YAML] [--shards 40]

Two actors make shards of large random cells at once; composing takes a second. Ray's object store is the smallest it
allows. Every shard must come through, whether Ray holds the actors back or moves rows to the disk.
Writes `bench/results/object_store.json`.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import ray

from bench.common.environment import save_result
from bench.common.fixed_cost import Made
from bench.common.suite import described, suite_options
from raysynth.actors import pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.pool import Pool
from raysynth.base.objects import Objects
from raysynth.population.cell import Cell

_STORE_MB, _RING = 78, 3
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class _Large:
    """Cubes of noise: nothing that could be packed smaller."""

    cells: int
    side: int

    def __call__(self, shard: int) -> Made:
        """Make the cells of `shard`."""
        rng = np.random.default_rng(shard)
        mask = np.ones((self.side,) * 3, bool)
        shape = (self.side, self.side + 2 * _RING, self.side + 2 * _RING)
        return Made([Cell(mask, rng.random(shape).astype(np.float16), _RING) for _ in range(self.cells)], {})


@dataclass(frozen=True)
class _Slow:
    """A composer that takes a second and checks what came."""

    cells: int

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Count the cells of `shard`."""
        time.sleep(1)
        expected = np.random.default_rng(shard).random(3).astype(np.float16)
        if len(cells) != self.cells or not np.array_equal(cells[0].texture.ravel()[:3], expected):
            raise ValueError("other cells came than were sent")
        return {"cells": len(cells), "megabytes": round(sum(cell.texture.nbytes for cell in cells) / 2**20)}


def main() -> None:
    """Measure one run."""
    arguments = described(__doc__)
    arguments.add_argument("--shards", type=int)
    arguments.add_argument("--cells", type=int, help="per shard")
    arguments.add_argument("--side", type=int, help="voxels along a cell")
    chosen = suite_options(arguments, "object_store")
    ray.init(num_cpus=3, object_store_memory=_STORE_MB * 2**20, log_to_driver=False, logging_level=logging.ERROR)
    large = _Large(chosen.cells, chosen.side)
    synthesis = pipeline.Synthesis(lambda: large, Pool(2, 2, cpus=1, gpus=0))
    with tempfile.TemporaryDirectory() as folder:
        attempts, begun = Attempts(Objects(folder), "run", 5), time.monotonic()
        reports = list(pipeline.run(range(chosen.shards), _Slow(chosen.cells), attempts, 1, synthesis))
    results = {
        "store_mb": _STORE_MB,
        "shards": chosen.shards,
        "mb_a_shard": reports[0].counts["megabytes"],
        "failed": sum(report.reason is not None for report in reports),
        "attempts": sum(sum(report.attempts.values()) for report in reports),
        "seconds": time.monotonic() - begun,
        "most_waiting": _most_waiting([report.times for report in reports]),
    }
    ray.shutdown()
    print(results)
    save_result("object_store", results)


def _most_waiting(times: Sequence[Mapping[str, tuple[float, float]]]) -> int:
    """Find the largest number of shards that were made and not yet being composed."""
    events = sorted((when, step) for t in times for when, step in ((t["synthesise"][1], 1), (t["compose"][0], -1)))
    return int(np.cumsum([step for _, step in events]).max())
