"""Stages that cost a fixed time and no computing, for what the pipeline itself costs. Imported by other files here."""

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

RING = 3

# Workers cannot import this folder: what it sends them travels by value.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


def small_frames(shards: int, frames: int, cells: int) -> Config:
    """Settings of a data set of small frames, `frames` a shard, whose `cells` a shard need no model."""
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
    """The cells of one shard."""

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ellipses:
    """Elliptic cells, a pure function of seed and shard, that take `sleep_s` seconds a shard to make."""

    seed: int
    cells: int
    sleep_s: float
    traced: bool = False

    def __call__(self, shard: int) -> Made:
        """The cells of `shard`; if traced, its counts name the process that made it, and differ from run to run."""
        time.sleep(self.sleep_s)
        cells = [self._cell(shard, item) for item in range(self.cells)]
        return Made(cells, {"process": os.getpid()} if self.traced else {"made": len(cells)})

    def _cell(self, shard: int, item: int) -> Cell:
        rng = generator(self.seed, shard, Stage.MASK, item)
        a, b = rng.integers(8, 16, 2)
        y, x = np.ogrid[-a : a + 1, -b : b + 1]
        mask = (y / a) ** 2 + (x / b) ** 2 <= 1
        texture = rng.uniform(0.2, 0.9, (2 * a + 1 + 2 * RING, 2 * b + 1 + 2 * RING)).astype(np.float16)
        return Cell(mask, texture, RING, {"seed_key": list(seed_key(shard, Stage.MASK, item))})


@dataclass(frozen=True)
class Sleeping:
    """A composer that takes `sleep_s` seconds and writes nothing."""

    sleep_s: float

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Wait; the counts are the synthesiser's."""
        time.sleep(self.sleep_s)
        return {"frames": 1, "cells": len(cells), **counts}
