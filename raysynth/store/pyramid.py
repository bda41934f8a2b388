"""Pyramid levels of frames: images by mean, labels by stride so that ids stay ids. t is never down-sampled."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shrink_image(frames: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    """Take the mean over blocks of pixels; blocks at the edge repeat the last pixel.

    Parameters
    ----------
    frames
        `(t, [z,] y, x)`, uint8, uint16 or float32.
    factors
        Size of a block along z, y, x (2D: y, x).

    Returns
    -------
    numpy.ndarray
        The same type, each frame axis divided by its factor, rounded up. Integers are rounded half up.
    """
    size = math.prod(factors)
    if size == 1:
        return frames
    is_float = frames.dtype.kind == "f"
    # The narrowest integers that hold the sum of a block: half the memory traffic of the next wider ones.
    wide = np.dtype(np.float64) if is_float else np.min_scalar_type(size * int(np.iinfo(frames.dtype).max))
    total = frames.astype(wide)
    # One axis after the other, so that each pass adds whole strides and halves what the next one reads.
    for axis, factor in enumerate(factors, start=1):
        total = _add_blocks(total, axis, factor)
    # Half a block is added to round half up. It never overflows `wide`: size is a power of two.
    mean = total / size if is_float else (total + size // 2) // size
    return mean.astype(frames.dtype)


def _add_blocks(values: NDArray[Any], axis: int, factor: int) -> NDArray[Any]:
    """Add up `factor` neighbours along one axis; the last value is repeated to fill the last block."""
    if lacking := -values.shape[axis] % factor:
        padding = [(0, 0)] * values.ndim
        padding[axis] = (0, lacking)
        values = np.pad(values, padding, mode="edge")
    before = (slice(None),) * axis
    total = values[(*before, slice(0, None, factor))]
    for offset in range(1, factor):
        # Not in place: `total` is a view of the caller's frames at first.
        total = total + values[(*before, slice(offset, None, factor))]
    return total


def shrink_labels(frames: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    """Take the first pixel of each block: a mean would invent ids.

    Parameters
    ----------
    frames
        `(t, [z,] y, x)`.
    factors
        Size of a block along z, y, x (2D: y, x).

    Returns
    -------
    numpy.ndarray
        The same type, each frame axis divided by its factor, rounded up.
    """
    return frames[(slice(None), *(slice(None, None, f) for f in factors))]
