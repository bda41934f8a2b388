"""Measuring a population: frame by frame, then over all training frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Doubles, Floats, Mask
from raysynth.config import DataConfig
from raysynth.data.frames import Pixels, as_volume
from raysynth.geometry.spectrum import Spectrum
from raysynth.preparation.background import FrameBackground, halo_reach
from raysynth.preparation.cell_table import CellTable
from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.edges import EdgeSums, edge_profile, edge_sums
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.noise import NoiseMeasures, measure_noise, noise_model
from raysynth.preparation.quantiles import Quantiles
from raysynth.preparation.statistics import CellSizes, FrameRecord, PopulationStatistics, Region


@dataclass(frozen=True)
class FrameMeasures:
    """What one training frame contributes to the statistics.

    Attributes
    ----------
    record
        The frame's own values.
    intensities
        Mean grey value of each whole cell.
    noise
        What it adds to the noise model.
    edge
        What it adds to the edge profile.
    dtype
        Numpy's name of the image's type.
    """

    record: FrameRecord
    intensities: Doubles
    noise: NoiseMeasures
    edge: EdgeSums
    dtype: str


def measure_frame(
    name: str,
    pixels: Pixels,
    background: FrameBackground,
    cells: Sequence[LabelledCell],
    region: Region | None,
    data: DataConfig,
) -> FrameMeasures:
    """Measure one frame, within its own columns; all its labelled cells count, only whole ones are sized.

    Parameters
    ----------
    name
        Name of the frame.
    pixels
        Its image and labels.
    background
        Its background.
    cells
        Its labelled cells.
    region
        What its cells keep to; None: the whole frame.
    data
        Settings of the data: dimensions and size of a voxel.

    Returns
    -------
    FrameMeasures
        What the frame contributes.
    """
    own = slice(*pixels.columns)
    image, labels = as_volume(pixels.image)[..., own], as_volume(pixels.labels)[..., own]
    background = background.within(own)
    level, spread = background.level, background.spread
    inside = np.zeros(image.shape, bool)
    if region is not None:
        inside = as_volume(region.inside(pixels.image.shape))[..., own]
    empty = labels == 0
    whole = [cell for cell in cells if cell.left_out is None]
    sizes = np.array([cell.mask.sum() for cell in whole], float)
    # From the whole image: cells count from its first column, and one of the strip may reach past its border.
    intensities = np.array([_mean_intensity(as_volume(pixels.image), cell) for cell in whole])
    outside = empty & ~inside
    record = FrameRecord(
        frame=name,
        shape=image.shape[3 - data.dimensions :],
        cells=len(cells),
        median_size=float(np.median(sizes)) if whole else 0.0,
        size_spread=float(np.log(sizes).std()) if whole else 0.0,
        intensity_mean=float(intensities.mean()) if whole else 0.0,
        intensity_std=float(intensities.std()) if whole else 0.0,
        background=_mean(level, outside),
        # Variances are averaged, not deviations: so frames of uneven noise keep their power.
        noise_std=_mean(spread**2, background.mask & outside) ** 0.5,
        region=region,
        region_background=None if region is None else _mean(level, empty & inside),
        # Between the cells of a region hardly a pixel is clear of all their halos, so `mask` is not asked for.
        region_noise_std=None if region is None else _mean(spread**2, empty & inside) ** 0.5,
    )
    noise, edge = measure_noise(background, outside), edge_sums(image, labels, level)
    return FrameMeasures(record, intensities, noise, edge, str(pixels.image.dtype))


def population_statistics(
    frames: Sequence[FrameMeasures],
    cells: Sequence[LabelledCell],
    outlines: Sequence[dict[str, Any]],
    intensity: IntensityMap,
    shapes: Spectrum | None,
    side: int,
    data: DataConfig,
) -> PopulationStatistics:
    """Sum up the training frames.

    Parameters
    ----------
    frames
        What each of them contributes.
    cells
        Their cells in use.
    outlines
        Each cell's row of `outlines.parquet`.
    intensity
        The map from grey values to [0, 1].
    shapes
        The spectrum of the cells' surfaces (3D).
    side
        Side of the crops in pixels.
    data
        Settings of the data.

    Returns
    -------
    PopulationStatistics
        All that generation knows of the population.
    """
    return PopulationStatistics(
        dimensions=data.dimensions,
        voxel_um=data.voxel_um,
        dtype=frames[0].dtype,
        crop_side_px=side,
        intensity=intensity,
        frames=tuple(f.record for f in frames),
        cells=_cell_sizes(frames, cells, outlines, data),
        table=CellTable.of(outlines),
        noise=noise_model([f.noise for f in frames], illumination_px=halo_reach(side)),
        edge=edge_profile([f.edge for f in frames]),
        shapes=shapes,
    )


def _cell_sizes(
    frames: Sequence[FrameMeasures],
    cells: Sequence[LabelledCell],
    outlines: Sequence[dict[str, Any]],
    data: DataConfig,
) -> CellSizes:
    # Frames without a whole cell have no mean to compare with.
    relative = [
        (f.intensities - f.record.background) / max(f.record.intensity_mean - f.record.background, 1e-6)
        for f in frames
        if f.record.median_size
    ]
    extents = []
    if data.dimensions == 3 and data.voxel_um is not None:
        extents = [cell.extent_um(data.voxel_um) for cell in cells if not cell.cut_z and not cell.sparse]
    return CellSizes(
        size=Quantiles.of([cell.mask.sum() for cell in cells]),
        area_px=Quantiles.of([cell.outline.sum() for cell in cells]),
        solidity=Quantiles.of([row["solidity"] for row in outlines]),
        intensity=Quantiles.of(np.concatenate([f.intensities for f in frames])),
        relative_intensity=Quantiles.of(np.concatenate(relative)),
        heights_um=tuple(height for height, _ in extents),
        widths_um=tuple(width for _, width in extents),
    )


def _mean_intensity(image: NDArray[np.generic], cell: LabelledCell) -> float:
    """Mean grey value of a cell of a volume."""
    box = tuple(slice(a, a + n) for a, n in zip(cell.start, cell.mask.shape, strict=True))
    # numpy would add up float32 images in float32, and lose digits over the voxels of a large cell.
    return float(image[box][cell.mask].mean(dtype=np.float64))


def _mean(values: Floats, where: Mask) -> float:
    """Mean of some values, or of all where none is asked for."""
    return float((values[where] if where.any() else values).mean(dtype=np.float64))
