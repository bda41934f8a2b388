"""What the cells of one set of frames measure: shape, brightness, texture, edge, neighbours, number.

Shapes are those of whole cells, volumes in three dimensions. Brightness, texture and edge are measured in the plane; in
volumes, in the slice where the cell is largest. Other cells beside it are replaced by the background there.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from raysynth.base.arrays import Doubles, Mask
from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.data.frames import Pixels, as_volume
from raysynth.measures.frame_sets import FrameSet
from raysynth.measures.morphology import crop_metrics, edges
from raysynth.measures.shape import measure_shape
from raysynth.preparation.cells import LabelledCell, find_cells
from raysynth.preparation.edges import EdgeSums, edge_profile
from raysynth.preparation.statistics import EdgeProfile

CELLS_PER_FRAME = 20
"""Cells of each frame that are measured, at most, drawn at random: those of one frame are alike."""

MEASURING_SEED = 2
"""Random seed of the cells that are measured, and of the halves that distances are read beside."""

# More than `FAR_PX` of `morphology`, so that crops show pixels which count as surroundings.
_SURROUNDINGS_PX = 14
# About how far the microscope's blur carries a cell's light past its label.
_NEIGHBOUR_PX = 2

_Crop = tuple[Doubles, Mask]


@dataclass(frozen=True)
class MeasuredCells:
    """The cells of one set.

    Attributes
    ----------
    dimensions
        2 or 3.
    values
        Each metric `(n,)` by its name. Those of frames and of pairs of cells have an n of their own.
    edges
        What each cell adds to the edge profile.
    """

    dimensions: int
    values: dict[str, Doubles]
    edges: list[EdgeSums]

    @property
    def profile(self) -> EdgeProfile:
        """The edge profile of all cells."""
        return edge_profile(self.edges)


def measure_cells(
    frames: FrameSet, voxel_um: tuple[float, ...] | None, progress: Callable[[int], None]
) -> MeasuredCells:
    """Measure cells of all frames of a set.

    Parameters
    ----------
    frames
        The set.
    voxel_um
        Size of a voxel z, y, x (2D: y, x) in µm; None: lengths are in pixels.
    progress
        Called with the number of frames that are done.

    Returns
    -------
    MeasuredCells
        `CELLS_PER_FRAME` of each frame at most.

    Raises
    ------
    InputError
        For a voxel size of other dimensions, and for sets with fewer than two frames or whole cells.
    """
    rng = generator(MEASURING_SEED, 1, Stage.EVALUATION, 0)
    parts = []
    for done, read in enumerate(frames.frames, start=1):
        pixels = read()
        parts.append(_of_frame(pixels, _full(voxel_um, pixels.image.ndim, frames.name), rng))
        progress(done)
    # A frame without a whole cell has no metrics of single cells: names are gathered from all frames, in order.
    names = dict.fromkeys(name for part in parts for name in part.values)
    values = {name: np.concatenate([part.values[name] for part in parts if name in part.values]) for name in names}
    edge_sums = [sums for part in parts for sums in part.edges]
    if len(edge_sums) < 2 or min(map(len, values.values())) < 2:
        raise InputError(f"{frames.name} has fewer than two frames or whole cells, too few to compare: give more.")
    return MeasuredCells(parts[0].dimensions, values, edge_sums)


def _of_frame(pixels: Pixels, voxel_um: tuple[float, ...], rng: Generator) -> MeasuredCells:
    """Measure the cells of one frame; metrics of single cells are left out where none is whole."""
    dimensions, cells = pixels.image.ndim, find_cells(pixels)
    whole = [cell for cell in cells if cell.left_out is None]
    # At random, then in the order of their labels again.
    drawn = [whole[i] for i in np.sort(rng.permutation(len(whole))[:CELLS_PER_FRAME])]
    crops = [_crop(pixels, cell) for cell in drawn]
    rows = [_row(cell, crop, voxel_um, dimensions) for cell, crop in zip(drawn, crops, strict=True)]
    values = {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    # Neighbours and numbers count all cells, cut ones too: the border does not hide that they are there.
    values["neighbour_distance"] = _neighbour_distances(cells, voxel_um)
    values["cells_per_frame"] = np.array([len(cells)], np.float64)
    return MeasuredCells(dimensions, values, [edges(image[None], mask[None])[0] for image, mask in crops])


def _full(voxel_um: tuple[float, ...] | None, dimensions: int, name: str) -> tuple[float, ...]:
    """Give the voxel size z, y, x; 1 where it is not known."""
    if voxel_um is None:
        return (1.0, 1.0, 1.0)
    if len(voxel_um) != dimensions:
        raise InputError(f"{name} is {dimensions}D, but its voxel size has {len(voxel_um)} values: correct --voxel-um.")
    return (1.0,) * (3 - dimensions) + voxel_um


def _row(cell: LabelledCell, crop: _Crop, voxel_um: tuple[float, ...], dimensions: int) -> dict[str, float]:
    """Measure one cell: its shape, then its brightness and texture in the plane."""
    image, mask = crop
    plane = {name: float(values[0]) for name, values in crop_metrics(image[None], mask[None]).items()}
    return _shape(cell, plane, voxel_um, dimensions) | {name: plane[name] for name in ("brightness", "granularity")}


def _shape(
    cell: LabelledCell, plane: dict[str, float], voxel_um: tuple[float, ...], dimensions: int
) -> dict[str, float]:
    if dimensions == 2:
        area = plane["area_px"] * voxel_um[1] * voxel_um[2]
        return {"area": area, "eccentricity": plane["eccentricity"], "solidity": plane["solidity"]}
    found: dict[str, Any] = asdict(measure_shape(cell.mask, voxel_um))
    return {"volume": found.pop("volume_um3"), **found}


def _neighbour_distances(cells: list[LabelledCell], voxel_um: tuple[float, ...]) -> Doubles:
    """Measure from the centre of each cell's mask to the nearest other one's; nothing for a single cell."""
    if len(cells) < 2:
        return np.empty(0)
    # Each point's nearest is the point itself: the second nearest is its neighbour.
    centres = [np.array(c.start) + np.argwhere(c.mask).mean(axis=0) for c in cells]
    # Scaled before the search: where voxels are long in z, the nearest centre in voxels may be another one.
    points = np.array(centres) * voxel_um
    return np.asarray(cKDTree(points).query(points, k=2)[0][:, 1], np.float64)


def _crop(pixels: Pixels, cell: LabelledCell) -> _Crop:
    """Cut out the cell and its surroundings where it is largest, and its mask there, `(y, x)`."""
    z = int(cell.mask.sum(axis=(1, 2)).argmax())
    window = tuple(
        slice(max(0, start - _SURROUNDINGS_PX), start + length + _SURROUNDINGS_PX)
        for start, length in zip(cell.start[1:], cell.mask.shape[1:], strict=True)
    )
    # `astype` copies: the frame itself keeps the neighbours that are overwritten below.
    image = as_volume(pixels.image)[cell.start[0] + z][window].astype(np.float64)
    labels = as_volume(pixels.labels)[cell.start[0] + z][window]
    mask: Mask = labels == cell.label
    # Neighbours with the blur around them; the cell's own pixels stay.
    others = _grown((labels > 0) & ~mask) & ~mask
    # What neither the cell nor a neighbour brightens gives the background that takes the neighbours' place.
    free = ~(others | _grown(mask))
    if free.any():
        image[others] = np.median(image[free])
    return image, mask


def _grown(mask: Mask) -> NDArray[np.bool_]:
    """Add to a mask what lies within `_NEIGHBOUR_PX` of it."""
    return np.asarray(ndimage.binary_dilation(mask, iterations=_NEIGHBOUR_PX))
