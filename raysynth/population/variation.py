"""Which of the eight symmetries each use of a cell gets: with one gain, all that may differ between two uses."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from raysynth.base.symmetries import SYMMETRIES


def draw_variations(chosen: Sequence[int], rng: Generator) -> NDArray[np.int64]:
    """A symmetry for each use `(n,)`; uses of one cell in a frame all differ as long as they are at most 8."""
    orders: dict[int, list[int]] = {}
    variations = []
    for cell in chosen:
        if not orders.get(cell):
            orders[cell] = rng.permutation(SYMMETRIES).tolist()
        variations.append(orders[cell].pop())
    return np.array(variations, np.int64)
