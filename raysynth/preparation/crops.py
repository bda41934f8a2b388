"""Single-cell crops: the cell in the middle, its own surroundings, and nothing of its neighbours (DESIGN, Crops)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from raysynth.config import CropConfig
from raysynth.data.frames import Pixels, as_volume
from raysynth.preparation.background import Background, halo_reach
from raysynth.preparation.cells import LabelledCell

MAX_SIDE_PX = 128
RING_PX = 3
HALO_PX = 2
MIN_SLICE_PX = 4
MIN_GLOW_PX = 8

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Crop:
    """One image and its mask `(side, side)`, of slice `z`; the image keeps the frame's type."""

    cell: LabelledCell
    z: int
    relative_height: float
    image: NDArray[np.generic]
    mask: NDArray[np.bool_]


def crop_side(cells: Sequence[LabelledCell], crops: CropConfig) -> int:
    """The side in pixels that the settings ask for or the cells' 99th percentile diameter needs, at most 128."""
    if crops.side_px is not None:
        return crops.side_px
    diameter = float(np.percentile([c.diameter_px for c in cells if c.left_out is None], 99))
    return min(MAX_SIDE_PX, 16 * ceil(crops.margin * diameter / 16))


def outline_crop(cell: LabelledCell, side: int) -> NDArray[np.bool_]:
    """The cell's outline in the middle of an empty square."""
    return _centred(cell.outline, cell, side)


def frame_crops(pixels: Pixels, background: Background, cells: Sequence[LabelledCell], side: int) -> Iterator[Crop]:
    """Crops of every slice of every cell in use, in the order of `cells`."""
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
            near = labels[max(z - 1, 0) : z + 2, *window]
            others = ((near > 0) & (near != cell.label)).any(axis=0) & ~mask
            crop = isolate(image[z, *window], filled[z, *window], mask, others, missing[window])
            yield Crop(cell, z, relative_height(offset, len(cell.mask)), _as_type(crop, volume.dtype), mask)


def isolate(image: Floats, background: Floats, own: Mask, others: Mask, missing: Mask) -> Floats:
    """A crop `(side, side)` with only its own cell: neighbours, their glow and missing pixels become background.

    The background carries the cell's own glow, as its undisturbed pixels show it at the same distance from the outline.
    """
    from_own = ndimage.distance_transform_edt(~own)
    share = np.where(others | missing, 1.0, 0.0)
    if others.any():
        from_others = ndimage.distance_transform_edt(~others)
        fading = np.clip(1 - (from_others - HALO_PX) / (halo_reach(len(own)) - HALO_PX), 0, 1)
        share = np.maximum(share, fading * np.clip((from_own - 1) / RING_PX, 0, 1))
    if not share.any():
        return image
    replacement = background + _glow(image - background, from_own, share == 0)
    return np.where(own, image, (1 - share) * image + share * replacement)


def _glow(excess: Floats, distance: NDArray[np.float64], undisturbed: Mask) -> Floats:
    """Mean excess over the background of the undisturbed pixels at each pixel's distance; 0 where there are none."""
    bins = np.rint(distance).astype(np.intp)
    seen = undisturbed & (bins > 0)
    counts = np.bincount(bins[seen], minlength=bins.max() + 1)
    sums = np.bincount(bins[seen], excess[seen], minlength=bins.max() + 1)
    mean = np.divide(sums, counts, out=np.zeros_like(sums), where=counts >= MIN_GLOW_PX)
    fading = np.clip(2 - np.arange(len(mean)) / halo_reach(len(excess)), 0, 1)
    return (fading * ndimage.gaussian_filter1d(mean, 1.0, mode="nearest"))[bins]


def _as_type(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[np.generic]:
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def relative_height(offset: int, slices: int) -> float:
    """Height of a cell's slice between its first (0) and last (1); the middle if it has one slice only."""
    return offset / (slices - 1) if slices > 1 else 0.5


def _centred(plane: NDArray[np.bool_], cell: LabelledCell, side: int) -> NDArray[np.bool_]:
    square = np.zeros((side, side), bool)
    y, x = side // 2 - cell.mask.shape[1] // 2, side // 2 - cell.mask.shape[2] // 2
    square[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
    return square
