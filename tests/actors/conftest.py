"""A synthesiser that needs no models, and what a data set of its cells is made from."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import ray

from raysynth.cascade.bundle import BundleInfo, save_info
from raysynth.cascade.masks import MaskLimits
from raysynth.config import Config, DataConfig, GenerateConfig, PopulationConfig, RuntimeConfig
from raysynth.data.intensity import IntensityMap
from raysynth.data.statistics import (
    CellSizes,
    CellTable,
    EdgeProfile,
    FrameRecord,
    NoiseModel,
    PopulationStatistics,
    Quantiles,
)
from raysynth.population.cell import Cell
from raysynth.seeds import Stage, generator, seed_key
from raysynth.store.objects import Objects

RING = 3

# Workers cannot import the tests: what the tests send them travels by value.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def target(tmp_path: Path) -> Objects:
    """An empty place for a data set."""
    return Objects(str(tmp_path / "set.zarr"), create=True)


@dataclass
class Made:
    """The cells of one shard."""

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float] = field(default_factory=lambda: {"masks": 0.01})


@dataclass(frozen=True)
class Ellipses:
    """A synthesiser of 2D elliptic cells, a pure function of the seed and the shard."""

    seed: int = 0
    cells: int = 4

    def __call__(self, shard: int) -> Made:
        """The cells of one shard."""
        return Made(
            [self._cell(shard, item) for item in range(self.cells)], {"made": self.cells, "rejected": shard % 2}
        )

    def _cell(self, shard: int, item: int) -> Cell:
        rng = generator(self.seed, shard, Stage.MASK, item)
        a, b = rng.integers(4, 9, 2)
        y, x = np.ogrid[-a : a + 1, -b : b + 1]
        mask = (y / a) ** 2 + (x / b) ** 2 <= 1
        texture = rng.uniform(0.2, 0.9, (2 * a + 1 + 2 * RING, 2 * b + 1 + 2 * RING)).astype(np.float16)
        return Cell(mask, texture, RING, {"seed": list(seed_key(shard, Stage.MASK, item))})


def statistics() -> PopulationStatistics:
    """A small 2D population."""
    frame = FrameRecord(
        frame="t000",
        shape=(96, 96),
        cells=5,
        median_size=120.0,
        size_spread=0.2,
        neighbour_px=(16.0, 17.0, 18.0, 20.0, 24.0),
        touching=0.1,
        intensity_mean=3000.0,
        intensity_std=300.0,
        background=400.0,
        noise_std=20.0,
    )
    return PopulationStatistics(
        dimensions=2,
        voxel_um=None,
        dtype="uint16",
        crop_side_px=32,
        intensity=IntensityMap(low=300.0, high=5000.0, kind="linear"),
        frames=(frame,),
        cells=CellSizes(
            size=Quantiles(values=(60.0, 250.0)),
            area_px=Quantiles(values=(60.0, 250.0)),
            solidity=Quantiles(values=(0.9, 1.0)),
            intensity=Quantiles(values=(2500.0, 3500.0)),
            relative_intensity=Quantiles(values=(0.8, 1.2)),
        ),
        table=CellTable(area_px=(120.0,), eccentricity=(0.5,), solidity=(0.95,), brightness=(0.5,)),
        noise=NoiseModel(
            frequency=(0.1, 0.3, 0.5),
            power=(1.0, 1.0, 1.0),
            marginal=Quantiles(values=(-2.0, 0.0, 2.0)),
            illumination_std=5.0,
            illumination_px=20.0,
        ),
        edge=EdgeProfile(distance_px=(-2.0, 0.0, 2.0), relative=(0.0, 0.5, 1.0)),
    )


def ellipse_config(folder: Path) -> Config:
    """Ten frames in four shards, from a bundle in `folder` that holds statistics but no models."""
    bundle = folder / "bundle"
    bundle.mkdir()
    limits = MaskLimits(area_px=(50, 300), min_solidity=0.8)
    save_info(bundle, BundleInfo(name="ellipses", statistics=statistics(), mask_limits=limits))
    return Config(
        name="ellipses",
        bundle=str(bundle),
        data=DataConfig(root="none", dimensions=2),
        population=PopulationConfig(frame_px=(96, 96), cells=(3, 5)),
        generate=GenerateConfig(out=str(folder / "set.zarr"), frames=10, frames_per_shard=3, cells_per_shard=4),
        runtime=RuntimeConfig(actors=1),
    )
