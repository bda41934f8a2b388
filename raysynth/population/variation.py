"""The 8 exact symmetries of the pixel grid: with one gain, all that may differ between two uses of a cell.

They keep the physics of the image: nothing is interpolated, and z is never flipped, because optics and adherent cells
know up from down.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SYMMETRIES = 8


def turn(array: NDArray[Any], variation: int) -> NDArray[Any]:
    """One of the 8 symmetries of the (y, x) plane: `variation % 4` quarter turns, from 4 up after a flip of x."""
    flipped = array[..., ::-1] if variation >= 4 else array
    return np.rot90(flipped, variation % 4, axes=(-2, -1))


def draw_variations(chosen: Sequence[int], rng: Generator) -> NDArray[np.int64]:
    """A symmetry for each use `(n,)`; uses of one cell in a frame all differ as long as they are at most 8."""
    orders: dict[int, list[int]] = {}
    variations = []
    for cell in chosen:
        if not orders.get(cell):
            orders[cell] = rng.permutation(SYMMETRIES).tolist()
        variations.append(orders[cell].pop())
    return np.array(variations, np.int64)
