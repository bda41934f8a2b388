"""From a surface to the voxels of a data set: slices at equal intervals of its own z step, over the whole height."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from raysynth.base.arrays import Mask
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.components import largest_filled, trimmed

FieldOnGrid = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A cell as a function of the voxel centres along z, y and x (cube coordinates): `(z, y, x)`, positive inside."""

_LOOK = 32
"""Samples along a side of the cube in the first look for the cell's extent."""


def slices(field: FieldOnGrid, half_um: tuple[float, ...], voxel_um: tuple[float, ...]) -> Mask:
    """Cut a cell into the voxels of a data set.

    As many slices as z steps fit the height, to the nearest number and at least one, lie symmetrically about the cell's
    middle. The largest component is kept and its holes are filled.

    Parameters
    ----------
    field
        The cell.
    half_um
        Half the side of the cube [-1, 1]^3 along z, y and x, in µm.
    voxel_um
        Size of a voxel (z, y, x) in µm.

    Returns
    -------
    Mask
        `(z, y, x)`, trimmed to its bounding box; no voxels where the field is nowhere positive.
    """
    extent = bounds(field)
    if extent is None:
        return np.zeros((0, 0, 0), bool)
    steps = [um / half for um, half in zip(voxel_um, half_um, strict=True)]
    # Along z there is no margin, which would add slices. In y and x it costs nothing, for the mask is trimmed.
    z = _centred(*extent[0], steps[0], margin=0)
    y, x = (_centred(*extent[axis], steps[axis], margin=2) for axis in (1, 2))
    return trimmed(largest_filled((field(z, y, x) > 0).cpu().numpy()))


def bounds(field: FieldOnGrid) -> list[tuple[float, float]] | None:
    """Find the bounding box of a cell.

    Parameters
    ----------
    field
        The cell.

    Returns
    -------
    list of tuple, or None
        First and last coordinate along z, y and x; None where the field is nowhere positive.
    """
    centres = pixel_centres(_LOOK)
    seen = field(centres, centres, centres).cpu()
    if not bool((seen > 0).any()):
        return None
    others = [(1, 2), (0, 2), (0, 1)]
    return [_zeros(centres, seen.amax(dim=over)) for over in others]


def _zeros(centres: Tensor, profile: Tensor) -> tuple[float, float]:
    """Find where a profile `(n,)` first rises through zero and last falls through it, linear between samples."""
    c, values = centres.double().numpy(), profile.double().numpy()
    inside = np.flatnonzero(values > 0)
    first, last = int(inside[0]), int(inside[-1])
    # `np.interp` wants rising values, so the pair at the far end is given from outside in.
    low = -1.0 if first == 0 else float(np.interp(0.0, values[first - 1 : first + 1], c[first - 1 : first + 1]))
    high = 1.0 if last == len(c) - 1 else float(np.interp(0.0, values[[last + 1, last]], c[[last + 1, last]]))
    return low, high


def _centred(low: float, high: float, step: float, margin: int) -> Tensor:
    """Place points at equal steps about the middle of (low, high): as many as fit, and `margin` more at either end."""
    count = max(1, round((high - low) / step)) + 2 * margin
    # In double precision until the end: slices shall lie symmetrically about the middle, whatever their step.
    offsets = torch.arange(count, dtype=torch.float64) - (count - 1) / 2
    return ((low + high) / 2 + offsets * step).float()
