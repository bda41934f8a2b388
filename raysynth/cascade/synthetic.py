"""Whole synthetic crops, as training crops are: cells before they are trimmed for composition."""

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Mask
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.cascade import Cascade, centred
from raysynth.preparation.crops import MIN_SLICE_PX


def synthetic_crops(cascade: Cascade, cells: int, seed: int) -> tuple[NDArray[np.float16], Mask]:
    """Make new cells and give the crop of each of their slices, cell after cell.

    Parameters
    ----------
    cascade
        Makes them.
    cells
        How many at most; those that the gate refuses are missing.
    seed
        Of the random draws.

    Returns
    -------
    tuple of numpy.ndarray
        Images in [0, 1] and masks, `(n, side, side)`. As of real cells, slices of fewer than `MIN_SLICE_PX` pixels are
        left out.
    """
    run = ShardAccount(seed, 0)
    solids = cascade.shape(run, range(cells))
    images = np.concatenate(cascade.paint(run, solids))
    masks = np.stack([centred(plane, images.shape[-1]) for solid in solids for plane in solid.mask])
    # As in training crops: slices of a few pixels, at the ends of cells, would tell the two sets apart.
    kept = masks.sum(axis=(1, 2)) >= MIN_SLICE_PX
    return images[kept], masks[kept]
