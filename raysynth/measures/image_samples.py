"""Images of two sets to compare: tiles or whole frames of both halves of A, the real set, and of B."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.data.frames import Pixels, as_volume
from raysynth.measures.frame_sets import FrameSet, median_diameter
from raysynth.measures.tiles import fixed_map, random_tiles, tile_side, to_bytes

WHOLE_FRAMES = 500
"""Whole frames are compared from so many on: with fewer, FID says more of their number than of their appearance."""

_FRAMES = 100
"""Frames of each set, at most, that give tiles."""

_SEED = 1
_TILES, _SLICES = 0, 1

GreyImages = Sequence[NDArray[np.uint8]]
"""Grey images `(y, x)`, which may differ in size."""


@dataclass(frozen=True)
class SampleDescription:
    """What the images of a sample are.

    Attributes
    ----------
    images
        How many there are of each part, and of what, in words.
    frames
        Numbers of the frames that gave tiles, "half/half/B"; None: whole frames.
    grey_values
        Grey values that become 0 and 255.
    """

    images: str
    frames: str | None
    grey_values: tuple[float, float]


@dataclass(frozen=True)
class ImageSample:
    """Images of both sets, all by the same map of grey values.

    Attributes
    ----------
    half
        Images of A's first half.
    other_half
        Images of A's second half.
    other
        Images of B.
    diameter_px
        Median diameter of A's cells.
    about
        What the images are.
    """

    half: GreyImages
    other_half: GreyImages
    other: GreyImages
    diameter_px: float
    about: SampleDescription

    @property
    def parts(self) -> tuple[GreyImages, GreyImages, GreyImages]:
        """A's first half, its second, and B."""
        return self.half, self.other_half, self.other


def sample_tiles(a: FrameSet, b: FrameSet, count: int) -> ImageSample:
    """Cut random tiles from two sets of frames.

    Parameters
    ----------
    a
        The real set.
    b
        The other set.
    count
        Tiles of each half of A, and of B.

    Returns
    -------
    ImageSample
        Tiles with a side of `raysynth.measures.tiles.TILE_DIAMETERS` median diameters of A's cells, or of the smallest
        frame's side.

    Raises
    ------
    InputError
        For sets of different dimensions, a single frame, and real frames without a whole cell.
    """
    first, second = a.some(2 * _FRAMES).halves()
    sets = [part.read() for part in (first, second, b.some(_FRAMES))]
    _need_same_dimensions(a, b, sets)
    real = sets[0] + sets[1]
    # The map of grey values and the size of tiles are those of A: a B that is too dark, or too large, stays so.
    fixed, diameter = fixed_map([pixels.image for pixels in real]), median_diameter(real, a.name)
    frames = [[(pixels.image, pixels.labels) for pixels in part] for part in sets]
    side = tile_side(diameter, [frame for part in frames for frame in part])
    # One generator for the three parts, in this order.
    rng = generator(_SEED, _TILES, Stage.EVALUATION, 0)
    half, other_half, other = (list(to_bytes(random_tiles(part, side, count, rng), fixed)) for part in frames)
    numbers = "/".join(str(len(part)) for part in sets)
    about = SampleDescription(f"{count} tiles of {side} px each", numbers, (fixed.low, fixed.high))
    return ImageSample(half, other_half, other, diameter, about)


def sample_whole(a: FrameSet, b: FrameSet) -> ImageSample:
    """Take whole frames of two sets; of volumes, one random slice with cells.

    Parameters
    ----------
    a
        The real set.
    b
        The other set.

    Returns
    -------
    ImageSample
        As many frames of each half of A, and of B.

    Raises
    ------
    InputError
        For fewer than `WHOLE_FRAMES` frames in any part, and as `sample_tiles` does.
    """
    parts = [*a.halves(), b]
    fewest = min(len(part.frames) for part in parts)
    if fewest < WHOLE_FRAMES:
        raise InputError(
            f"--whole needs {WHOLE_FRAMES} frames in each half of {a.name} and in {b.name}, but the least is {fewest}: "
            "compare tiles instead."
        )
    seen = a.some(_FRAMES).read()
    _need_same_dimensions(a, b, [seen, b.some(1).read()])
    # From a part of A, which fits into memory; the frames to compare are then read one at a time.
    fixed, diameter = fixed_map([pixels.image for pixels in seen]), median_diameter(seen, a.name)
    rng = generator(_SEED, _SLICES, Stage.EVALUATION, 0)
    half, other_half, other = (
        [to_bytes(_slice(read(), rng), fixed) for read in part.some(fewest).frames] for part in parts
    )
    about = SampleDescription(f"{fewest} whole frames each", None, (fixed.low, fixed.high))
    return ImageSample(half, other_half, other, diameter, about)


def _slice(pixels: Pixels, rng: np.random.Generator) -> NDArray[Any]:
    image, labels = as_volume(pixels.image), as_volume(pixels.labels)
    filled = np.flatnonzero(labels.any(axis=(1, 2)))
    # Slices past the cells show background alone. A frame without cells gives any slice, so that numbers stay equal.
    return image[rng.choice(filled) if len(filled) else rng.integers(len(image))]


def _need_same_dimensions(a: FrameSet, b: FrameSet, sets: Sequence[Sequence[Pixels]]) -> None:
    axes = [part[0].image.ndim for part in (sets[0], sets[-1])]
    if axes[0] != axes[1]:
        raise InputError(f"{a.name} is {axes[0]}D and {b.name} is {axes[1]}D: compare sets of the same kind.")
