"""Single-cell crops: the cell in the middle, its own surroundings, and nothing of its neighbours (DESIGN, Crops)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from raysynth.config import CropConfig
from raysynth.data.background import Background
from raysynth.data.cells import LabelledCell
from raysynth.data.frames import Pixels, as_volume

MAX_SIDE_PX = 128
RING_PX = 3
HALO_PX = 2
MIN_SLICE_PX = 4
_CROSS = ndimage.generate_binary_structure(2, 1)


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
    image = np.pad(as_volume(pixels.image), padding)
    labels = np.pad(as_volume(pixels.labels), padding)
    missing = np.pad(np.zeros(background.mask.shape[1:], bool), padding[1:], constant_values=True)
    filled = np.pad(_as_type(background.filled, image.dtype), padding, mode="symmetric")
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
            replaced = missing[window] | _neighbours(near, cell.label, mask)
            crop = np.where(replaced, filled[z, *window], image[z, *window])
            yield Crop(cell, z, relative_height(offset, len(cell.mask)), crop, mask)


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


def _neighbours(labels: NDArray[np.uint32], label: int, own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where other cells, in this slice or the next ones, and the halo of their blur are seen.

    The cell itself and the pixels that touch it stay, except those that are another cell's.
    """
    others = ((labels > 0) & (labels != label)).any(axis=0) & ~own
    halo = ndimage.binary_dilation(others, _CROSS, iterations=HALO_PX)
    return others | (halo & ~ndimage.binary_dilation(own, _CROSS))
