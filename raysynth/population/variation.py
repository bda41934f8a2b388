"""Which of the eight symmetries each use of a cell gets: with one gain, all that may differ between two uses."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from raysynth.base.symmetries import SYMMETRIES


def draw_variations(chosen: Sequence[int], rng: Generator) -> NDArray[np.int64]:
    """Draw a symmetry for each use of a cell in a frame.

    Parameters
    ----------
    chosen
        Index of the cell of each use, n of them.
    rng
        Generator of this frame's variations.

    Returns
    -------
    numpy.ndarray
        Numbers of symmetries `(n,)`; those of one cell all differ as long as it is used at most 8 times.
    """
    orders: dict[int, list[int]] = {}
    variations = []
    for cell in chosen:
        if not orders.get(cell):
            orders[cell] = rng.permutation(SYMMETRIES).tolist()
        variations.append(orders[cell].pop())
    return np.array(variations, np.int64)
