"""The region of support: the ellipse or ellipsoid a frame's cells keep to, where they leave much of the frame empty."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.statistics import Region

_FILLED = 0.5
"""Fraction of the usual frame that its region may cover; beyond that, cells are spread over the frame."""

_COVERED = 0.98
"""Fraction of the cells' voxels that a region holds at least."""


def fit_regions(frames: Sequence[Sequence[LabelledCell]], shapes: Sequence[tuple[int, ...]]) -> list[Region | None]:
    """Fit the region of every frame, where the cells of the usual frame are not spread over most of it.

    Parameters
    ----------
    frames
        The cells of each frame.
    shapes
        The frames' own shapes `(z, y, x)` or `(y, x)`.

    Returns
    -------
    list of Region or None
        One per frame; None for a frame without cells, and for all frames when cells are spread over them. (Cells spread
        evenly over a whole frame give an ellipse of its size.)
    """
    regions = [_fit_region(cells, len(shape)) for cells, shape in zip(frames, shapes, strict=True)]
    covered = [float(r.inside(s).mean()) for r, s in zip(regions, shapes, strict=True) if r is not None]
    # One decision for all frames: an embryo's frames have regions, a dish's have none, though a few cells anywhere look
    # like one.
    if not covered or np.median(covered) > _FILLED:
        return [None] * len(regions)
    return _at_least_usual(regions)


def _at_least_usual(regions: Sequence[Region | None]) -> list[Region | None]:
    """Widen small regions to the usual axes: a few cells span less than what they lie in."""
    usual = np.median([r.semi_axes_px for r in regions if r is not None], axis=0)
    return [
        None
        if r is None
        else Region(centre_px=r.centre_px, semi_axes_px=tuple(np.maximum(r.semi_axes_px, usual).tolist()))
        for r in regions
    ]


def _fit_region(cells: Sequence[LabelledCell], dimensions: int) -> Region | None:
    """Fit the ellipsoid, axes along the frame's, with the second moments of the cells' voxels; it holds 98 % of them.

    Along an axis of semi-length a, a filled ellipsoid in n dimensions has the variance a² / (n + 2): in the unit ball
    the mean of |x|² is n / (n + 2), the same along each of the n axes.
    """
    if not cells:
        return None
    points = np.concatenate([_voxels(cell) for cell in cells])[:, 3 - dimensions :]
    centre = points.mean(axis=0)
    # Half a voxel more, from its centre to its face. So a cell of one slice has no axis of length 0.
    axes = np.sqrt((dimensions + 2) * points.var(axis=0)) + 0.5
    # Moments alone fit an ellipsoid: cells that fill another shape, such as a box, would stick out of it.
    axes *= max(1.0, float(np.quantile(np.linalg.norm((points - centre) / axes, axis=1), _COVERED)))
    return Region(centre_px=tuple(centre.tolist()), semi_axes_px=tuple(axes.tolist()))


def _voxels(cell: LabelledCell) -> NDArray[np.intp]:
    return np.argwhere(cell.mask) + np.array(cell.start)
