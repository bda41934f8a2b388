"""Whole synthetic crops, as training crops are: cells before they are trimmed for composition."""

import numpy as np
from numpy.typing import NDArray

from raysynth.cascade.cascade import Cascade, centred
from raysynth.cascade.run import Run
from raysynth.preparation.crops import MIN_SLICE_PX


def synthetic_crops(cascade: Cascade, cells: int, seed: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Images in [0, 1] and masks, `(n, side, side)`, of every slice of up to `cells` new cells, cell after cell.

    As of real cells, slices of fewer than `MIN_SLICE_PX` pixels are left out. Cells that the gate refuses are missing.
    """
    run = Run(seed, 0)
    solids = cascade.shape(run, range(cells))
    images = np.concatenate(cascade.paint(run, solids))
    masks = np.stack([centred(plane, images.shape[-1]) for solid in solids for plane in solid.mask])
    kept = masks.sum(axis=(1, 2)) >= MIN_SLICE_PX
    return images[kept], masks[kept]
