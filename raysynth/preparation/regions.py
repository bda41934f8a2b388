"""The region of support: the ellipse or ellipsoid a frame's cells keep to, where they leave much of the frame empty."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.statistics import Region

FILLED_SHARE = 0.5
_COVERED = 0.98


def fit_regions(frames: Sequence[Sequence[LabelledCell]], shapes: Sequence[tuple[int, ...]]) -> list[Region | None]:
    """One region a frame, or None for every frame when the cells of the usual frame are spread over most of it.

    shapes: the frames' own `(z, y, x)` or `(y, x)`. Cells spread evenly over a whole frame give an ellipse of its size.
    """
    regions = [fit_region(cells, len(shape)) for cells, shape in zip(frames, shapes, strict=True)]
    shares = [_share(r, s) for r, s in zip(regions, shapes, strict=True) if r is not None]
    if not shares or np.median(shares) > FILLED_SHARE:
        return [None] * len(regions)
    return _at_least_usual(regions)


def _at_least_usual(regions: Sequence[Region | None]) -> list[Region | None]:
    """A few cells span less than what they lie in: no axis stays below the usual frame's."""
    usual = np.median([r.semi_axes_px for r in regions if r is not None], axis=0)
    return [
        None if r is None else r.model_copy(update={"semi_axes_px": tuple(np.maximum(r.semi_axes_px, usual).tolist())})
        for r in regions
    ]


def fit_region(cells: Sequence[LabelledCell], dimensions: int) -> Region | None:
    """The axis-aligned ellipsoid with the second moments of the cells' voxels, scaled to hold 98 % of them."""
    if not cells:
        return None
    points = np.concatenate([_voxels(cell) for cell in cells])[:, 3 - dimensions :]
    centre = points.mean(axis=0)
    # A filled ellipsoid of semi-axis a has the variance a^2 / (n + 2) along it.
    axes = np.sqrt((dimensions + 2) * points.var(axis=0)) + 0.5
    axes *= max(1.0, float(np.quantile(np.linalg.norm((points - centre) / axes, axis=1), _COVERED)))
    return Region(centre_px=tuple(centre.tolist()), semi_axes_px=tuple(axes.tolist()))


def _voxels(cell: LabelledCell) -> NDArray[np.intp]:
    return np.argwhere(cell.mask) + np.array(cell.start)


def _share(region: Region, shape: tuple[int, ...]) -> float:
    return float(region.inside(shape).mean())
