"""Images for Inception: random tiles of frames and single-cell crops, all grey values by one fixed map.

Real and synthetic sets go through the same functions, so no set is stretched to its own range.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from raysynth.data.frames import as_volume
from raysynth.preparation.intensity import PERCENTILES, IntensityMap

TILE_DIAMETERS = 4

Frame = tuple[NDArray[Any], NDArray[np.uint32]]
"""Image and labels, `([z,] y, x)`."""


def fixed_map(images: Sequence[NDArray[Any]]) -> IntensityMap:
    """The linear map from the 0.1st to the 99.9th percentile of all pixels of the real training images."""
    low, high = np.percentile(np.concatenate([image.ravel() for image in images]), PERCENTILES)
    return IntensityMap(low=float(low), high=max(float(high), float(low) + 1), kind="linear")


def to_bytes(grey: NDArray[Any], fixed: IntensityMap) -> NDArray[np.uint8]:
    """Grey values of any shape as uint8."""
    return np.rint(255 * fixed.to_unit(grey)).astype(np.uint8)


def tile_side(median_diameter_px: float, frames: Sequence[Frame]) -> int:
    """`TILE_DIAMETERS` median diameters, or the smallest frame's side where that is less."""
    return min(round(TILE_DIAMETERS * median_diameter_px), *(n for image, _ in frames for n in image.shape[-2:]))


def random_tiles(frames: Sequence[Frame], side: int, count: int, rng: Generator) -> NDArray[Any]:
    """Tiles `(count, side, side)` in the order of their frames, each frame giving as many, one more or one less.

    A tile's place is uniform in the plane. Of volumes, it is cut from one of the slices that hold a label, all of equal
    weight: slices past the last cell show background alone, and how many of them a stack has is the microscopist's
    choice.
    """
    tiles = []
    for picked in np.linspace(0, len(frames), count, endpoint=False).astype(int):
        image, labels = map(as_volume, frames[picked])
        filled = np.flatnonzero(labels.any(axis=(1, 2)))
        z = rng.choice(filled) if len(filled) else rng.integers(len(image))
        y, x = (rng.integers(n - side + 1) for n in image.shape[1:])
        tiles.append(image[z, y : y + side, x : x + side])
    return np.stack(tiles)
