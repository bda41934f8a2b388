"""The edge profile: intensity against the signed distance to the outline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from raysynth.base.arrays import Doubles, Floats, Labels
from raysynth.preparation.statistics import EdgeProfile

_REACH_PX = 10
_BINS = 2 * _REACH_PX


@dataclass(frozen=True)
class EdgeSums:
    """Sums over the pixels in each bin of distance, one pixel wide, from 10 outside to 10 inside.

    Attributes
    ----------
    excess
        Grey values over the background.
    cell
        The mean of each pixel's nearest cell over the same background.
    """

    excess: Doubles
    cell: Doubles


def edge_sums(image: NDArray[np.generic], labels: Labels, level: Floats) -> EdgeSums:
    """Sum up the pixels of a volume by their distance to the nearest outline, within planes.

    Parameters
    ----------
    image
        Grey values `(z, y, x)`.
    labels
        Their labels.
    level
        Their background without noise.

    Returns
    -------
    EdgeSums
        Sums over all planes.
    """
    excess, cell = np.zeros(_BINS), np.zeros(_BINS)
    for plane, ids, background in zip(image, labels, level, strict=True):
        if ids.any():
            for total, part in zip((excess, cell), _plane_sums(plane, ids, background), strict=True):
                total += part
    return EdgeSums(excess, cell)


def _plane_sums(image: NDArray[np.generic], labels: Labels, level: Floats) -> Iterator[Doubles]:
    # Pixels of a cell have the distance 0, so `nearest` names themselves: each cell is compared with its own mean.
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    # The distance to the nearest pixel of the other side is half a pixel more than that to the line between the two.
    signed = np.where(labels > 0, ndimage.distance_transform_edt(labels > 0) - 0.5, 0.5 - distance)
    # Labels of tracked cells run into the thousands: one index per label that occurs keeps `mean` short.
    names, compact = np.unique(labels, return_inverse=True)
    means = ndimage.mean(image.astype(np.float64), compact.reshape(labels.shape), np.arange(len(names)))
    nearest_mean = means[compact.reshape(labels.shape)[tuple(nearest)]]
    near = np.abs(signed) < _REACH_PX
    bins = np.floor(signed[near] + _REACH_PX).astype(np.intp)
    for values in (image.astype(np.float64), nearest_mean):
        yield np.bincount(bins, (values - level)[near], minlength=_BINS).astype(np.float64)


def edge_profile(sums: Sequence[EdgeSums]) -> EdgeProfile:
    """Average the profile over several frames.

    Parameters
    ----------
    sums
        Sums of each frame.

    Returns
    -------
    EdgeProfile
        Over the distances that occur in them. Bright cells count more: sums are divided, not profiles averaged.
    """
    excess, cell = sum(s.excess for s in sums), sum(s.cell for s in sums)
    seen = np.asarray(cell) > 0
    centres = np.arange(_BINS) + 0.5 - _REACH_PX
    relative = np.asarray(excess)[seen] / np.asarray(cell)[seen]
    return EdgeProfile(distance_px=tuple(centres[seen].tolist()), relative=tuple(relative.tolist()))
