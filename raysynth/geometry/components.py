"""One cell, one piece."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def largest_filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest face-connected component of `mask` (2D or 3D) with its holes filled; an empty mask stays empty."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())[1:]
    return ndimage.binary_fill_holes(labels == 1 + int(sizes.argmax()))


def trimmed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`mask` cut to its bounding box; an empty mask becomes an array of no voxels."""
    boxes = ndimage.find_objects(mask.astype(np.uint8))
    return mask[boxes[0]].copy() if boxes else np.zeros((0,) * mask.ndim, bool)
