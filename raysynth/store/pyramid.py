"""Pyramid levels of frames: images by mean, labels by stride so that ids stay ids. t is never down-sampled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.unsignedinteger]


def shrink_image(frames: Frames, factors: Sequence[int]) -> Frames:
    """Mean over blocks of `factors` pixels, rounded half up in integers; edge blocks repeat the last pixel.

    frames: `(t, [z,] y, x)`, uint8 or uint16. Returns the same type, each frame axis divided by its factor, rounded up.
    """
    padding = [(0, 0)] + [(0, -n % f) for n, f in zip(frames.shape[1:], factors, strict=True)]
    blocks = np.pad(frames, padding, mode="edge")
    shape = [len(frames)]
    for n, f in zip(blocks.shape[1:], factors, strict=True):
        shape += [n // f, f]
    size = int(np.prod(factors))
    total = blocks.reshape(shape).sum(axis=tuple(range(2, len(shape), 2)), dtype=np.uint64)
    return ((total + size // 2) // size).astype(frames.dtype)


def shrink_labels(frames: Frames, factors: Sequence[int]) -> Frames:
    """Every `factors`-th pixel, the first of each block: no id is invented; shapes as in `shrink_image`."""
    return frames[(slice(None), *(slice(None, None, f) for f in factors))]
