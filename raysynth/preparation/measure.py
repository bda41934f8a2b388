"""Measuring a population: frame by frame, then over all training frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from raysynth.config import DataConfig
from raysynth.data.frames import Pixels, as_volume
from raysynth.geometry.spectrum import Spectrum
from raysynth.preparation.background import Background, halo_reach
from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.edges import EdgeSums, edge_profile, edge_sums
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.noise import NoiseMeasures, measure_noise, noise_model
from raysynth.preparation.statistics import (
    NEIGHBOUR_LEVELS,
    CellSizes,
    CellTable,
    FrameRecord,
    PopulationStatistics,
    Quantiles,
    Region,
)


@dataclass(frozen=True)
class FrameMeasures:
    """What one training frame contributes."""

    record: FrameRecord
    intensities: NDArray[np.float64]
    noise: NoiseMeasures
    edge: EdgeSums
    dtype: str


def measure_frame(
    name: str,
    pixels: Pixels,
    background: Background,
    cells: Sequence[LabelledCell],
    region: Region | None,
    data: DataConfig,
) -> FrameMeasures:
    """Measure one frame, within its own columns; all its labelled cells count, only whole ones are sized."""
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
    intensities = np.array([_mean_intensity(as_volume(pixels.image), cell) for cell in whole])
    outside = empty & ~inside
    record = FrameRecord(
        frame=name,
        shape=image.shape[3 - data.dimensions :],
        cells=len(cells),
        median_size=float(np.median(sizes)) if whole else 0.0,
        size_spread=float(np.log(sizes).std()) if whole else 0.0,
        neighbour_px=neighbour_distances(cells, data),
        touching=touching_share(labels, len(cells)),
        intensity_mean=float(intensities.mean()) if whole else 0.0,
        intensity_std=float(intensities.std()) if whole else 0.0,
        background=_mean(level, outside),
        noise_std=_mean(spread**2, background.mask & outside) ** 0.5,
        region=region,
        region_background=None if region is None else _mean(level, empty & inside),
        region_noise_std=None if region is None else _mean(spread**2, empty & inside) ** 0.5,
    )
    noise, edge = measure_noise(background, outside), edge_sums(image, labels, level)
    return FrameMeasures(record, intensities, noise, edge, str(pixels.image.dtype))


def population(
    frames: Sequence[FrameMeasures],
    cells: Sequence[LabelledCell],
    outlines: Sequence[dict[str, Any]],
    intensity: IntensityMap,
    shapes: Spectrum | None,
    side: int,
    data: DataConfig,
) -> PopulationStatistics:
    """Statistics of the training frames; cells: those in use, with each one's row of `outlines.parquet`.

    shapes: the spectrum of their surfaces (3D).
    """
    relative = [
        (f.intensities - f.record.background) / max(f.record.intensity_mean - f.record.background, 1e-6)
        for f in frames
        if f.record.median_size
    ]
    extents = []
    if data.dimensions == 3 and data.voxel_um is not None:
        extents = [cell.extent_um(data.voxel_um) for cell in cells if not cell.cut_z and not cell.sparse]
    return PopulationStatistics(
        dimensions=data.dimensions,
        voxel_um=data.voxel_um,
        dtype=frames[0].dtype,
        crop_side_px=side,
        intensity=intensity,
        frames=tuple(f.record for f in frames),
        cells=CellSizes(
            size=Quantiles.of([cell.mask.sum() for cell in cells]),
            area_px=Quantiles.of([cell.outline.sum() for cell in cells]),
            solidity=Quantiles.of([row["solidity"] for row in outlines]),
            intensity=Quantiles.of(np.concatenate([f.intensities for f in frames])),
            relative_intensity=Quantiles.of(np.concatenate(relative)),
            heights_um=tuple(height for height, _ in extents),
            widths_um=tuple(width for _, width in extents),
        ),
        table=CellTable.of(outlines),
        noise=noise_model([f.noise for f in frames], illumination_px=halo_reach(side)),
        edge=edge_profile([f.edge for f in frames]),
        shapes=shapes,
    )


def neighbour_distances(cells: Sequence[LabelledCell], data: DataConfig) -> tuple[float, ...]:
    """Quantiles of the distance from each cell's centre to the nearest other, in in-plane pixels; () for one cell."""
    if len(cells) < 2:
        return ()
    centres = np.array([np.argwhere(cell.mask).mean(axis=0) + cell.start for cell in cells])
    if data.dimensions == 3 and data.voxel_um is not None:
        centres[:, 0] *= data.voxel_um[0] / data.voxel_um[-1]
    distances, _ = cKDTree(centres).query(centres, k=2)
    return tuple(np.quantile(distances[:, 1], NEIGHBOUR_LEVELS).tolist())


def touching_share(labels: NDArray[np.uint32], cells: int) -> float:
    """Share of the cells that have another label within one free pixel along some axis."""
    touching: set[int] = set()
    for axis, length in enumerate(labels.shape):
        for step in (1, 2):
            first = np.take(labels, range(length - step), axis)
            second = np.take(labels, range(step, length), axis)
            both = (first != second) & (first > 0) & (second > 0)
            touching.update(first[both].tolist(), second[both].tolist())
    return min(1.0, len(touching) / cells) if cells else 0.0


def _mean_intensity(image: NDArray[np.generic], cell: LabelledCell) -> float:
    box = tuple(slice(a, a + n) for a, n in zip(cell.start, cell.mask.shape, strict=True))
    return float(image[box][cell.mask].mean(dtype=np.float64))


def _mean(values: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    return float((values[where] if where.any() else values).mean(dtype=np.float64))
