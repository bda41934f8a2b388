"""Single-cell crops: the cell in the middle, its own surroundings, and nothing of its neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from raysynth.base.arrays import Doubles, Floats, Mask
from raysynth.config import CropConfig
from raysynth.config.generation import RING_PX
from raysynth.data.frames import Pixels, as_volume
from raysynth.preparation.background import FrameBackground, halo_reach
from raysynth.preparation.cells import LabelledCell

MIN_SLICE_PX = 4
"""Pixels that a slice of a cell needs to become a crop."""

_MAX_SIDE_PX = 128
_SIDE_STEP_PX = 16
"""Networks halve an image several times: its side is a multiple of this."""

_HALO_PX = 2
"""Pixels round a neighbour that are always replaced: its blurred edge."""

_MIN_GLOW_PX = 8
"""Undisturbed pixels at one distance that make a mean worth using."""


@dataclass(frozen=True)
class Crop:
    """The crop of one slice of one cell.

    Attributes
    ----------
    cell
        The cell.
    z
        The slice, counted in the frame.
    relative_height
        The slice's height within its cell, from 0 to 1.
    image
        `(side, side)`, in the frame's type.
    mask
        The cell in this slice `(side, side)`.
    """

    cell: LabelledCell
    z: int
    relative_height: float
    image: NDArray[np.generic]
    mask: Mask


def crop_side(cells: Sequence[LabelledCell], crops: CropConfig) -> int:
    """Choose the side of all crops.

    Parameters
    ----------
    cells
        Cells of the training frames; at least one is in use.
    crops
        Settings. `side_px` is taken as it is; else the 99th percentile of the diameters times `margin`.

    Returns
    -------
    int
        Pixels: a multiple of 16, at most 128 unless the settings say more.
    """
    if crops.side_px is not None:
        return crops.side_px
    # Not the largest: one merged label would make every crop, and so every network, larger.
    diameter = float(np.percentile([c.diameter_px for c in cells if c.left_out is None], 99))
    return min(_MAX_SIDE_PX, _SIDE_STEP_PX * ceil(crops.margin * diameter / _SIDE_STEP_PX))


def outline_crop(cell: LabelledCell, side: int) -> Mask:
    """Place a cell's outline in the middle of an empty square.

    Parameters
    ----------
    cell
        A cell that fits.
    side
        Side of the square in pixels.

    Returns
    -------
    Mask
        `(side, side)`.
    """
    return _centred(cell.outline, cell, side)


def frame_crops(
    pixels: Pixels, background: FrameBackground, cells: Sequence[LabelledCell], side: int
) -> Iterator[Crop]:
    """Cut out every slice of every cell in use.

    Parameters
    ----------
    pixels
        Image and labels of the frame.
    background
        Its background: what neighbours are replaced by.
    cells
        Its cells.
    side
        Side of the crops in pixels.

    Yields
    ------
    Crop
        In the order of `cells`, slices from the first up. Beyond the frame's border is background.
    """
    # So no window around a cell of the frame leaves the array. Mirrored values keep the noise and the level.
    padding = ((0, 0), (side, side), (side, side))
    volume = as_volume(pixels.image)
    image = np.pad(volume.astype(np.float32), padding, mode="symmetric")
    labels = np.pad(as_volume(pixels.labels), padding)
    missing = np.pad(np.zeros(volume.shape[1:], bool), padding[1:], constant_values=True)
    filled = np.pad(background.filled, padding, mode="symmetric")
    for cell in cells:
        if cell.left_out is not None:
            continue
        y, x = (c + side - side // 2 for c in cell.centre)
        window = (slice(y, y + side), slice(x, x + side))
        for offset, plane in enumerate(cell.mask):
            if plane.sum() < MIN_SLICE_PX:
                continue
            z = cell.start[0] + offset
            mask = _centred(plane, cell, side)
            # Neighbours of the next slices count as well: their light, out of focus, shows in this one.
            near = labels[max(z - 1, 0) : z + 2, *window]
            others = ((near > 0) & (near != cell.label)).any(axis=0) & ~mask
            crop = _isolate(image[z, *window], filled[z, *window], mask, others, missing[window])
            yield Crop(cell, z, relative_height(offset, len(cell.mask)), _as_type(crop, volume.dtype), mask)


def relative_height(offset: int, slices: int) -> float:
    """Give the height of a cell's slice between its first (0) and its last (1).

    Parameters
    ----------
    offset
        The slice, from 0.
    slices
        Slices of the cell.

    Returns
    -------
    float
        From 0 to 1; the middle if the cell has one slice only.
    """
    return offset / (slices - 1) if slices > 1 else 0.5


def _isolate(image: Floats, background: Floats, own: Mask, others: Mask, missing: Mask) -> Floats:
    """Keep only the crop's own cell: neighbours, their glow and missing pixels become background.

    The replaced fraction of a pixel is 1 in a neighbour and fades with the distance from it, to 0 where its glow ends.
    Close to the own cell, whose glow is the brighter one there, less is replaced, and nothing of the cell itself. The
    background that replaces carries the own cell's glow, as the undisturbed pixels at the same distance show it.
    """
    from_own = ndimage.distance_transform_edt(~own)
    replaced = np.where(others | missing, 1.0, 0.0)
    if others.any():
        from_others = ndimage.distance_transform_edt(~others)
        # Linear in the distance: a sharp end would leave an edge that a texture model learns.
        fading = np.clip(1 - (from_others - _HALO_PX) / (halo_reach(len(own)) - _HALO_PX), 0, 1)
        replaced = np.maximum(replaced, fading * np.clip((from_own - 1) / RING_PX, 0, 1))
    if not replaced.any():
        return image
    # What is left half replaced is no witness of the own glow: only pixels left as they are count.
    replacement = background + _glow(image - background, from_own, replaced == 0)
    return np.where(own, image, (1 - replaced) * image + replaced * replacement)


def _glow(excess: Floats, distance: Doubles, undisturbed: Mask) -> Floats:
    """Average the excess over the background of undisturbed pixels at each pixel's distance; 0 where there are none."""
    bins = np.rint(distance).astype(np.intp)
    seen = undisturbed & (bins > 0)
    counts = np.bincount(bins[seen], minlength=bins.max() + 1)
    sums = np.bincount(bins[seen], excess[seen], minlength=bins.max() + 1)
    # Rings of few pixels would pass single bright ones on to all pixels at their distance.
    mean = np.divide(sums, counts, out=np.zeros_like(sums), where=counts >= _MIN_GLOW_PX)
    # Whole up to the reach of a halo and nothing from twice that on: farther out the mean is that of noise.
    fading = np.clip(2 - np.arange(len(mean)) / halo_reach(len(excess)), 0, 1)
    glow: Floats = (fading * ndimage.gaussian_filter1d(mean, 1.0, mode="nearest"))[bins]
    return glow


def _as_type(values: Floats, dtype: np.dtype[Any]) -> NDArray[np.generic]:
    if dtype.kind == "f":
        return values.astype(dtype)
    # Background and glow may add up to more than the type holds, and would wrap around.
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def _centred(plane: Mask, cell: LabelledCell, side: int) -> Mask:
    """Place one plane of a cell so that the middle of its bounding box is the middle of the square."""
    square = np.zeros((side, side), bool)
    y, x = side // 2 - cell.mask.shape[1] // 2, side // 2 - cell.mask.shape[2] // 2
    square[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
    return square
