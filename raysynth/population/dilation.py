"""Binary dilation by a box, in a number of passes that grows with the logarithm of its side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def box_dilation(mask: NDArray[np.bool_], reach: Sequence[int]) -> NDArray[np.bool_]:
    """Where any voxel of `mask` is at most `reach` steps away along every axis; same shape, `mask` is left as it is."""
    grown = mask.copy()
    for axis, steps in enumerate(reach):
        before = (slice(None),) * axis
        for shift in _shifts(steps):
            grown[(*before, slice(shift, None))] |= grown[(*before, slice(None, -shift))].copy()
        for shift in _shifts(steps):
            grown[(*before, slice(None, -shift))] |= grown[(*before, slice(shift, None))].copy()
    return grown


def _shifts(steps: int) -> list[int]:
    """Shifts that, one after the other, spread a voxel over the next `steps`: each doubles what it covers so far."""
    shifts, covered = [], 1
    while covered <= steps:
        shifts.append(min(covered, steps + 1 - covered))
        covered += shifts[-1]
    return shifts
