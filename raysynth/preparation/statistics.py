"""What `prepare` learns of a population, and what generation draws from.

Lengths `*_px` are in-plane pixels: where data are anisotropic, z is first scaled to in-plane pixels, except in
`Region`, which is in voxels of each axis. Intensities are grey values of the data set unless a name says `relative`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from raysynth.base.arrays import Mask
from raysynth.geometry.spectrum import Spectrum
from raysynth.preparation.cell_table import CellTable
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.quantiles import Measured, Quantiles

_EARLIER = ("neighbour_px", "touching")
"""Fields of early records that nothing reads; they are dropped."""


class Region(Measured):
    """The ellipse or ellipsoid in which a frame's cells lie, axes along the frame's, in voxels (z, y, x or y, x)."""

    centre_px: tuple[float, ...]
    semi_axes_px: tuple[float, ...]

    def inside(self, shape: Sequence[int]) -> Mask:
        """Draw the region.

        Parameters
        ----------
        shape
            Shape of the frame, in the region's dimensions.

        Returns
        -------
        Mask
            True inside.
        """
        squares = [
            ((np.arange(n) - c) / a) ** 2 for n, c, a in zip(shape, self.centre_px, self.semi_axes_px, strict=True)
        ]
        # Open grids: one sum over the frame in place of three arrays of coordinates as large as a volume.
        return np.asarray(sum(np.ix_(*squares)) <= 1.0)


class FrameRecord(Measured):
    """One training frame; generation draws these jointly, one real frame at a time."""

    frame: str = Field(description="its name")
    shape: tuple[int, ...] = Field(description="of its own columns: (z, y, x) or (y, x)")
    cells: int = Field(description="labelled cells")
    median_size: float = Field(description="median area in pixels or volume in voxels, whole cells only")
    size_spread: float = Field(description="standard deviation of log size")
    intensity_mean: float = Field(description="mean over cells of a cell's mean grey value")
    intensity_std: float = Field(description="standard deviation over cells of a cell's mean grey value")
    background: float = Field(description="mean grey value of the background; with a region, outside it")
    noise_std: float = Field(description="standard deviation of that background about its illumination field")
    region: Region | None = None
    region_background: float | None = Field(None, description="mean grey value between the cells of the region")
    region_noise_std: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_earlier_fields(cls, values: Any) -> Any:
        """Drop what early records hold and nothing reads."""
        return {name: v for name, v in values.items() if name not in _EARLIER} if isinstance(values, dict) else values


class NoiseModel(Measured):
    """The residual background: what remains without its slow illumination field, scaled to variance 1."""

    frequency: tuple[float, ...] = Field(description="bin centres of in-plane spatial frequency, cycles per pixel")
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
        """Write the statistics as `statistics.json` holds them.

        Returns
        -------
        str
            JSON text.
        """
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> "PopulationStatistics":
        """Read `statistics.json`.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        PopulationStatistics
            What it holds.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
