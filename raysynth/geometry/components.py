"""One cell, one piece."""

import numpy as np
from scipy import ndimage

from raysynth.base.arrays import Mask


def largest_filled(mask: Mask) -> Mask:
    """Keep the largest piece of a mask, with its holes filled.

    Parameters
    ----------
    mask
        Of two or three axes.

    Returns
    -------
    Mask
        The largest face-connected component; an empty mask stays empty.
    """
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    # Of pieces of one size the first in scanning order is kept, so the choice is the same everywhere.
    sizes = np.bincount(labels.ravel())[1:]
    filled: Mask = ndimage.binary_fill_holes(labels == 1 + int(sizes.argmax()))
    return filled


def trimmed(mask: Mask) -> Mask:
    """Cut a mask to its bounding box.

    Parameters
    ----------
    mask
        Of any number of axes.

    Returns
    -------
    Mask
        A copy; an empty mask becomes an array of no voxels.
    """
    # As integers the mask is one label, so its box spans all pieces. A view would keep the whole grid in memory.
    boxes = ndimage.find_objects(mask.astype(np.uint8))
    return mask[boxes[0]].copy() if boxes else np.zeros((0,) * mask.ndim, bool)
