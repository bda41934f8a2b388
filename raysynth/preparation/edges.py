"""The edge profile: intensity against the signed distance to the outline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from raysynth.preparation.statistics import EdgeProfile

REACH_PX = 10
_BINS = 2 * REACH_PX


@dataclass(frozen=True)
class EdgeSums:
    """Sums per distance bin: grey values over background, and their nearest cell's mean over background."""

    excess: NDArray[np.float64]
    cell: NDArray[np.float64]


def edge_sums(image: NDArray[np.generic], labels: NDArray[np.uint32], level: NDArray[np.float32]) -> EdgeSums:
    """Distances within the planes of a volume `(z, y, x)`; level: its background without noise."""
    excess, cell = np.zeros(_BINS), np.zeros(_BINS)
    for plane, ids, background in zip(image, labels, level, strict=True):
        if ids.any():
            for total, part in zip((excess, cell), _plane_sums(plane, ids, background), strict=True):
                total += part
    return EdgeSums(excess, cell)


def _plane_sums(
    image: NDArray[np.generic], labels: NDArray[np.uint32], level: NDArray[np.float32]
) -> Iterable[NDArray[np.float64]]:
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    signed = np.where(labels > 0, ndimage.distance_transform_edt(labels > 0) - 0.5, 0.5 - distance)
    names, compact = np.unique(labels, return_inverse=True)
    means = ndimage.mean(image.astype(np.float64), compact.reshape(labels.shape), np.arange(len(names)))
    nearest_mean = means[compact.reshape(labels.shape)[tuple(nearest)]]
    near = np.abs(signed) < REACH_PX
    bins = np.floor(signed[near] + REACH_PX).astype(np.intp)
    for values in (image.astype(np.float64), nearest_mean):
        yield np.bincount(bins, (values - level)[near], minlength=_BINS).astype(np.float64)


def edge_profile(sums: Sequence[EdgeSums]) -> EdgeProfile:
    """The profile of several frames, over the distances that occur in them."""
    excess, cell = sum(s.excess for s in sums), sum(s.cell for s in sums)
    seen = np.asarray(cell) > 0
    centres = np.arange(_BINS) + 0.5 - REACH_PX
    relative = np.asarray(excess)[seen] / np.asarray(cell)[seen]
    return EdgeProfile(distance_px=tuple(centres[seen].tolist()), relative=tuple(relative.tolist()))
