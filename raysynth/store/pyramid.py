"""Pyramid levels of frames: images by mean, labels by stride so that ids stay ids. t is never down-sampled."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.unsignedinteger]


def shrink_image(frames: Frames, factors: Sequence[int]) -> Frames:
    """Mean over blocks of `factors` pixels, rounded half up in integers; edge blocks repeat the last pixel.

    frames: `(t, [z,] y, x)`, uint8 or uint16. Returns the same type, each frame axis divided by its factor, rounded up.
    """
    size = math.prod(factors)
    if size == 1:
        return frames
    # One axis after the other, so that each pass adds whole strides and halves what the next one reads.
    total = frames.astype(np.min_scalar_type(size * int(np.iinfo(frames.dtype).max)))
    for axis, factor in enumerate(factors, start=1):
        total = _add_blocks(total, axis, factor)
    return ((total + size // 2) // size).astype(frames.dtype)


def _add_blocks(values: Frames, axis: int, factor: int) -> Frames:
    """Sums of `factor` neighbours along one axis; the last value is repeated to fill the last block."""
    if lacking := -values.shape[axis] % factor:
        padding = [(0, 0)] * values.ndim
        padding[axis] = (0, lacking)
        values = np.pad(values, padding, mode="edge")
    before = (slice(None),) * axis
    total = values[(*before, slice(0, None, factor))]
    for offset in range(1, factor):
        total = total + values[(*before, slice(offset, None, factor))]
    return total


def shrink_labels(frames: Frames, factors: Sequence[int]) -> Frames:
    """Every `factors`-th pixel, the first of each block: no id is invented; shapes as in `shrink_image`."""
    return frames[(slice(None), *(slice(None, None, f) for f in factors))]
