"""What `prepare` learns of a population, and what generation draws from (DESIGN, Density and Imaging model).

Lengths `*_px` are in-plane pixels: where data are anisotropic, z is first scaled to in-plane pixels, except in
`Region`, which is in voxels of each axis. Intensities are grey values of the data set unless a name says `relative`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from raysynth.geometry.spectrum import Spectrum
from raysynth.preparation.intensity import IntensityMap

NEIGHBOUR_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


class Measured(BaseModel):
    """A group of measurements: fixed once measured, JSON on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Quantiles(Measured):
    """A distribution as its values at evenly spaced levels from 0 (least) to 1 (largest)."""

    values: tuple[float, ...] = Field(min_length=2)

    @classmethod
    def of(cls, sample: ArrayLike, count: int = 101) -> "Quantiles":
        """Quantiles of a non-empty sample at `count` levels."""
        return cls(values=tuple(np.quantile(np.asarray(sample, float), np.linspace(0, 1, count)).tolist()))

    def at(self, level: ArrayLike) -> NDArray[np.float64]:
        """Values at levels in [0, 1], linear between those stored; uniform levels draw from the distribution."""
        return np.interp(np.asarray(level, float), np.linspace(0, 1, len(self.values)), self.values)

    def level(self, value: ArrayLike) -> NDArray[np.float64]:
        """The inverse of `at`: 0 below the least value and 1 above the largest."""
        return np.interp(np.asarray(value, float), self.values, np.linspace(0, 1, len(self.values)))


class Region(Measured):
    """The ellipse or ellipsoid in which a frame's cells lie, axes along the frame's, in voxels (z, y, x or y, x)."""

    centre_px: tuple[float, ...]
    semi_axes_px: tuple[float, ...]

    def inside(self, shape: Sequence[int]) -> NDArray[np.bool_]:
        """Mask of `shape`, true inside."""
        squares = [
            ((np.arange(n) - c) / a) ** 2 for n, c, a in zip(shape, self.centre_px, self.semi_axes_px, strict=True)
        ]
        return np.asarray(sum(np.ix_(*squares)) <= 1.0)


class FrameRecord(Measured):
    """One training frame; generation draws these jointly, one real frame at a time."""

    frame: str
    shape: tuple[int, ...]
    cells: int
    median_size: float = Field(description="median area in pixels or volume in voxels, whole cells only")
    size_spread: float = Field(description="standard deviation of log size")
    neighbour_px: tuple[float, ...] = Field(description="nearest centre distances at NEIGHBOUR_LEVELS; () if alone")
    touching: float = Field(description="share of cells with another label within one pixel")
    intensity_mean: float = Field(description="mean over cells of a cell's mean grey value")
    intensity_std: float = Field(description="standard deviation over cells of a cell's mean grey value")
    background: float = Field(description="mean grey value of the background; with a region, outside it")
    noise_std: float = Field(description="standard deviation of that background about its illumination field")
    region: Region | None = None
    region_background: float | None = Field(None, description="mean grey value between the cells of the region")
    region_noise_std: float | None = None


class NoiseModel(Measured):
    """The residual background: what remains without its slow illumination field, scaled to variance 1."""

    frequency: tuple[float, ...] = Field(description="bin centres of in-plane spatial frequency, cycles a pixel")
    power: tuple[float, ...] = Field(description="radially averaged power there; white noise is 1 everywhere")
    slice_correlation: float = Field(0.0, description="correlation of the residuals of neighbouring slices (3D)")
    marginal: Quantiles = Field(description="distribution of the standardised residual")
    illumination_std: float = Field(
        description="spread of the slow field within a frame, as a standard deviation in grey values"
    )
    illumination_px: float = Field(description="Gaussian width that separates the slow field from the residual")


class EdgeProfile(Measured):
    """Mean grey value against signed distance to the outline, positive inside, relative to background 0 and cell 1."""

    distance_px: tuple[float, ...]
    relative: tuple[float, ...]


class CellTable(Measured):
    """Real training cells, one entry a cell in every column: what generation draws a new cell's own figures from.

    Networks see the columns as normal scores: ranks among these cells, as values of a normal distribution.
    """

    area_px: tuple[float, ...] = Field(min_length=1, description="area of the outline that MaskDDPM learns")
    eccentricity: tuple[float, ...] = Field(min_length=1, description="of the outline's ellipse of equal moments")
    solidity: tuple[float, ...] = Field(min_length=1, description="area of the outline over that of its convex hull")
    brightness: tuple[float, ...] = Field(min_length=1, description="mean of the cell in the unit interval")

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]], most: int = 1000) -> "CellTable":
        """The figures of outline rows (`prepared/*/outlines.parquet`), of evenly chosen ones where there are many."""
        chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]
        return cls(**{name: tuple(float(f"{row[name]:.6g}") for row in chosen) for name in cls.model_fields})

    def scores(self, name: str, values: ArrayLike) -> NDArray[np.float32]:
        """Normal scores of values of column `name`, of any shape; ties share the middle of their ranks."""
        from scipy.special import ndtri  # slow to import, and reading a bundle's description needs none of it

        known = np.sort(getattr(self, name))
        below, upto = (np.searchsorted(known, values, side) for side in ("left", "right"))
        return ndtri(((below + upto) / 2 + 0.5) / (len(known) + 1)).astype(np.float32)

    def value(self, name: str, score: float) -> float:
        """The value of column `name` at a normal score: the inverse of `scores`, between the known values."""
        from scipy.special import ndtr

        return float(np.quantile(getattr(self, name), ndtr(score)))

    def draw(self, rng: Generator, spread: float = 0.1) -> dict[str, float]:
        """Normal scores of a new cell by column: those of one real cell, each moved by `spread` of a deviation."""
        which = int(rng.integers(len(self.area_px)))
        moved = spread * rng.standard_normal(len(type(self).model_fields))
        shrunk = 1 / np.sqrt(1 + spread**2)  # the variance stays 1
        scores = {name: float(self.scores(name, getattr(self, name)[which])) for name in type(self).model_fields}
        return {name: float(shrunk * (score + m)) for (name, score), m in zip(scores.items(), moved, strict=True)}


class CellSizes(Measured):
    """Distributions over whole training cells."""

    size: Quantiles = Field(description="area in pixels (2D) or volume in voxels (3D)")
    area_px: Quantiles = Field(description="area of the outlines that MaskDDPM learns")
    solidity: Quantiles = Field(description="area over convex area of those outlines")
    intensity: Quantiles = Field(description="a cell's mean grey value")
    relative_intensity: Quantiles = Field(description="that over the mean of its frame's cells, both above background")
    heights_um: tuple[float, ...] = Field((), description="extent along z of each cell not cut by the stack (3D)")
    widths_um: tuple[float, ...] = Field((), description="the same cells' in-plane equivalent diameter")


class PopulationStatistics(Measured):
    """Everything generation knows of the real population."""

    dimensions: int
    voxel_um: tuple[float, ...] | None
    dtype: str = Field(description="numpy name of the images' type")
    crop_side_px: int
    intensity: IntensityMap
    frames: tuple[FrameRecord, ...] = Field(min_length=1)
    cells: CellSizes
    table: CellTable
    noise: NoiseModel
    edge: EdgeProfile
    shapes: Spectrum | None = Field(None, description="harmonic spectrum of the cells' surfaces (3D)")

    def to_json(self) -> str:
        """As `statistics.json` holds it."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> "PopulationStatistics":
        """Read `statistics.json`."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
