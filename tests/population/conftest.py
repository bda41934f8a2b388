"""A small population to compose from: measured figures as `prepare` would give them, and simple cells."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from raysynth.config import Config, DataConfig, ImagingConfig, PopulationConfig
from raysynth.data.intensity import IntensityMap
from raysynth.data.statistics import (
    CellSizes,
    CellTable,
    EdgeProfile,
    FrameRecord,
    NoiseModel,
    PopulationStatistics,
    Quantiles,
    Region,
)
from raysynth.population.cell import Cell

FRAME = {2: (96, 128), 3: (20, 64, 72)}
LEVEL, LIGHT, NOISE = 200.0, 600.0, 8.0


def record(dimensions: int, cells: int, size: float, region: bool = False) -> FrameRecord:
    frame = FRAME[dimensions]
    return FrameRecord(
        frame="01/000",
        shape=frame,
        cells=cells,
        median_size=size,
        size_spread=0.3,
        neighbour_px=(10.0,) * 5,
        touching=0.2,
        intensity_mean=LEVEL + LIGHT,
        intensity_std=80.0,
        background=LEVEL,
        noise_std=NOISE,
        region=Region(centre_px=tuple(n / 2 for n in frame), semi_axes_px=tuple(n / 2.2 for n in frame))
        if region
        else None,
        region_background=LEVEL + 100 if region else None,
        region_noise_std=2 * NOISE if region else None,
    )


def population(dimensions: int, *records: FrameRecord) -> PopulationStatistics:
    """Statistics with a reddish noise spectrum and a skewed marginal."""
    skewed = np.random.default_rng(0).gamma(9.0, size=20000)
    frequency = np.linspace(0.01, 0.71, 36)
    return PopulationStatistics(
        dimensions=dimensions,
        voxel_um=(2.0, 1.0, 1.0) if dimensions == 3 else None,
        dtype="uint16",
        crop_side_px=32,
        intensity=IntensityMap(low=100, high=1500, kind="sqrt"),
        frames=records or (record(dimensions, 8, 180.0 if dimensions == 2 else 900.0),),
        cells=CellSizes(
            size=Quantiles.of([50, 500]),
            area_px=Quantiles.of([50, 500]),
            solidity=Quantiles.of([0.9, 1.0]),
            intensity=Quantiles.of([LEVEL, LEVEL + 2 * LIGHT]),
            relative_intensity=Quantiles.of(np.random.default_rng(1).lognormal(0, 0.2, 500)),
        ),
        table=CellTable(area_px=(120.0,), eccentricity=(0.5,), solidity=(0.95,), brightness=(0.5,)),
        noise=NoiseModel(
            frequency=tuple(frequency),
            power=tuple(1 + 6 * np.exp(-frequency / 0.08)),
            slice_correlation=0.4 if dimensions == 3 else 0.0,
            marginal=Quantiles.of((skewed - skewed.mean()) / skewed.std()),
            illumination_std=3.0,
            illumination_px=8.0,
        ),
        edge=EdgeProfile(
            distance_px=(-6.0, -2.5, -1.5, -0.5, 0.5, 1.5, 5.0), relative=(0.0, 0.01, 0.07, 0.31, 0.69, 0.93, 1.05)
        ),
    )


def make_cells(dimensions: int, count: int, seed: int = 0, ring: int = 3) -> list[Cell]:
    """Bright discs or balls of different size on their own noisy surroundings, blurred as an image would be."""
    rng = np.random.default_rng(seed)
    intensity = population(dimensions).intensity
    cells = []
    for i in range(count):
        radius = rng.uniform(5, 10)
        axes = [np.arange(-12, 13) * (2.0 if axis == 0 and dimensions == 3 else 1.0) for axis in range(dimensions)]
        mask = sum(a**2 for a in np.ix_(*axes)) < radius**2
        kept = [np.flatnonzero(mask.any(axis=tuple(j for j in range(dimensions) if j != k))) for k in range(dimensions)]
        grow = [0] * (dimensions - 2) + [ring, ring]
        box = tuple(slice(k[0] - g, k[-1] + 1 + g) for k, g in zip(kept, grow, strict=True))
        grey = LEVEL - 20 + LIGHT * gaussian_filter(mask.astype(float), 1.0) + NOISE * rng.standard_normal(mask.shape)
        tight = mask[tuple(slice(k[0], k[-1] + 1) for k in kept)]
        cells.append(Cell(tight, intensity.to_unit(grey[box]).astype(np.float16), ring, {"seed_key": [0, 0, i, 0]}))
    return cells


def make_config(dimensions: int, imaging: ImagingConfig | None = None, **settings: object) -> Config:
    return Config(
        name="test",
        data=DataConfig(root="none", dimensions=dimensions, voxel_um=(2.0, 1.0, 1.0) if dimensions == 3 else None),
        population=PopulationConfig(frame_px=FRAME[dimensions], **settings),
        imaging=imaging or ImagingConfig(),
    )


@pytest.fixture
def statistics_of():
    return population


@pytest.fixture
def record_of():
    return record


@pytest.fixture
def cells_of():
    return make_cells


@pytest.fixture
def config_of():
    return make_config
