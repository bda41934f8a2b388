"""Stages that take a fixed time and compute nothing: what is left is the cost of the pipeline."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import ray

from bench.common.paths import CONFIGS
from raysynth.base.seeds import Stage, generator, seed_key
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.population.cell import Cell

_RING = 3

# Workers may run where `bench` cannot be imported: what is sent to them travels by value.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


def small_frames(shards: int, frames: int, cells: int) -> Config:
    """Configure a data set of small frames whose cells need no model.

    Parameters
    ----------
    shards
        Number of shards.
    frames
        Frames per shard.
    cells
        Cells made per shard.

    Returns
    -------
    Config
        That of `nuclei-2d` with these sizes.
    """
    settings = (
        "bundle=nuclei-2d",
        "population.frame_px=[128, 128]",
        "population.cells=[6, 10]",
        f"generate.frames={shards * frames}",
        f"generate.frames_per_shard={frames}",
        f"generate.cells_per_shard={cells}",
        "runtime.cpus_per_actor=1",
    )
    return load(CONFIGS / "nuclei-2d.yaml", settings)


@dataclass
class Made:
    """The cells of one shard.

    Attributes
    ----------
    cells
        Cells in order.
    counts
        What was made and refused.
    seconds
        Time spent per stage.
    """

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ellipses:
    """Make elliptic cells, which depend on seed and shard alone.

    Attributes
    ----------
    seed
        Random seed.
    cells
        Cells per shard.
    sleep_s
        Seconds that a shard takes.
    traced
        Whether the counts name the process that made the shard; they then differ from run to run.
    """

    seed: int
    cells: int
    sleep_s: float
    traced: bool = False

    def __call__(self, shard: int) -> Made:
        """Make the cells of `shard`."""
        time.sleep(self.sleep_s)
        cells = [self._cell(shard, item) for item in range(self.cells)]
        return Made(cells, {"process": os.getpid()} if self.traced else {"made": len(cells)})

    def _cell(self, shard: int, item: int) -> Cell:
        rng = generator(self.seed, shard, Stage.MASK, item)
        a, b = rng.integers(8, 16, 2)
        y, x = np.ogrid[-a : a + 1, -b : b + 1]
        mask = (y / a) ** 2 + (x / b) ** 2 <= 1
        texture = rng.uniform(0.2, 0.9, (2 * a + 1 + 2 * _RING, 2 * b + 1 + 2 * _RING)).astype(np.float16)
        return Cell(mask, texture, _RING, {"seed_key": list(seed_key(shard, Stage.MASK, item))})


@dataclass(frozen=True)
class Sleeping:
    """Compose nothing for a while.

    Attributes
    ----------
    sleep_s
        Seconds that a shard takes.
    """

    sleep_s: float

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Wait; `counts` of the `cells` of `shard` are handed on."""
        time.sleep(self.sleep_s)
        return {"frames": 1, "cells": len(cells), **counts}
