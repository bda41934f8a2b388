"""Images for a network: random tiles of frames and single-cell crops, all grey values by one fixed map.

Real and synthetic sets go through the same functions, so no set is stretched to its own range.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from raysynth.base.arrays import Labels
from raysynth.data.frames import as_volume
from raysynth.preparation.intensity import INTENSITY_PERCENTILES, IntensityMap

TILE_DIAMETERS = 4
"""Side of a tile, in median diameters of a cell."""

LabelledImage = tuple[NDArray[Any], Labels]
"""Image and labels, `([z,] y, x)`."""


def fixed_map(images: Sequence[NDArray[Any]]) -> IntensityMap:
    """Make the linear map of grey values that all sets go through.

    Parameters
    ----------
    images
        The real images, of any shape, in grey values.

    Returns
    -------
    IntensityMap
        From the 0.1st to the 99.9th percentile of all their pixels.
    """
    low, high = np.percentile(np.concatenate([image.ravel() for image in images]), INTENSITY_PERCENTILES)
    # A set of one grey value has no range: a width of 1 keeps the map from dividing by 0.
    return IntensityMap(low=float(low), high=max(float(high), float(low) + 1), kind="linear")


def to_bytes(grey: NDArray[Any], fixed: IntensityMap) -> NDArray[np.uint8]:
    """Map grey values to 0 to 255.

    Parameters
    ----------
    grey
        Of any shape.
    fixed
        The map; values beyond its range are clipped.

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape.
    """
    # Rounded, not cut off: 0 and 255 have half the width of the other values.
    return np.rint(255 * fixed.to_unit(grey)).astype(np.uint8)


def tile_side(median_diameter_px: float, frames: Sequence[LabelledImage]) -> int:
    """Choose the side of the tiles, in pixels.

    Parameters
    ----------
    median_diameter_px
        Median diameter of the cells.
    frames
        The frames that tiles will be cut from.

    Returns
    -------
    int
        `TILE_DIAMETERS` median diameters, or the smallest frame's side where that is less.
    """
    return min(round(TILE_DIAMETERS * median_diameter_px), *(n for image, _ in frames for n in image.shape[-2:]))


def random_tiles(frames: Sequence[LabelledImage], side: int, count: int, rng: Generator) -> NDArray[Any]:
    """Cut random tiles, from each frame as many, one more or one less.

    A tile's position is uniform in the plane. Of volumes, it is cut from one of the slices that hold a label, all of
    equal weight. Slices past the last cell show background alone, and how many of them a stack has is the
    microscopist's choice.

    Parameters
    ----------
    frames
        Images with their labels.
    side
        Side of a tile, in pixels.
    count
        Number of tiles.
    rng
        Draws slices and positions.

    Returns
    -------
    numpy.ndarray
        `(count, side, side)`, in the order of their frames and in the images' own type.
    """
    tiles = []
    # Tile i comes from frame floor(i n / count): in order, and each frame as often as any other, but for one.
    for picked in np.linspace(0, len(frames), count, endpoint=False).astype(int):
        image, labels = map(as_volume, frames[picked])
        filled = np.flatnonzero(labels.any(axis=(1, 2)))
        z = rng.choice(filled) if len(filled) else rng.integers(len(image))
        y, x = (rng.integers(n - side + 1) for n in image.shape[1:])
        tiles.append(image[z, y : y + side, x : x + side])
    return np.stack(tiles)
