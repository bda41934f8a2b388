"""The eight exact symmetries of the pixel grid: quarter turns and flips of the (y, x) plane.

They keep the physics of an image. Nothing is interpolated, and z is never flipped: optics and adherent cells know up
from down.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

SYMMETRIES = 8

AUGMENTATIONS = (0, 1, 2, 3, 4, 7, 6, 5)
"""The symmetries in the order in which training draws them: the flip there comes after the turn.

A flip after k quarter turns is the flip followed by -k turns, so the flipped ones stand in reverse order. Draws of a
training depend on this order, and so do its weights.
"""


def symmetry(array: NDArray[Scalar], index: int) -> NDArray[Scalar]:
    """Apply one of the eight symmetries to the last two axes.

    Parameters
    ----------
    array
        `(..., y, x)`.
    index
        0 to 7: `index % 4` quarter turns from y to x, from 4 up after a flip of x. 0 changes nothing.

    Returns
    -------
    numpy.ndarray
        A view of the array; y and x are exchanged for odd indices.
    """
    # Flip first, then turn: the other order would exchange the meanings of 5 and 7, and cell tables keep these numbers.
    flipped: NDArray[Any] = array[..., ::-1] if index >= 4 else array
    return np.rot90(flipped, index % 4, axes=(-2, -1))
