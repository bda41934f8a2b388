"""SEG as the Cell Tracking Challenge defines it (Maška 2014, Ulman 2017), and average precision.

Every label image of the reference is compared with the predicted labels of its frame. A reference cell R is matched by
the predicted cell S that covers more than half of it, and scores their Jaccard index |R∩S| / |R∪S|; an unmatched one
scores 0. SEG is the mean over all reference cells of all images, so references may leave cells out. An image of one
slice is compared with that slice, as the challenge's own program does: a cell annotated in two slices counts twice.

Average precision is TP / (TP + FP + FN), summed over all images, as in StarDist and Cellpose; TP is the largest number
of cells paired one to one with an IoU of at least the threshold. It means something only where the reference labels
every cell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from raysynth.base.errors import InputError
from raysynth.measures.label_sets import LabelImage, label_images

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""IoU at which average precision is taken."""

Labels = NDArray[np.uint32]


@dataclass(frozen=True)
class Overlap:
    """How the cells of two label images lie on each other.

    reference `(r,)`, predicted `(p,)`: pixels of each cell, in label order. rows, columns, shared `(k,)`: for each pair
    that overlaps, its places in `reference` and `predicted`, and the pixels of both.
    """

    reference: NDArray[np.intp]
    predicted: NDArray[np.intp]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    shared: NDArray[np.intp]

    @property
    def iou(self) -> NDArray[np.float64]:
        """Jaccard index of each pair `(k,)`."""
        return self.shared / (self.reference[self.rows] + self.predicted[self.columns] - self.shared)

    def jaccard(self) -> NDArray[np.float64]:
        """What each reference cell adds to SEG, `(r,)`: the Jaccard index with its match, 0 without one."""
        matched = 2 * self.shared > self.reference[self.rows]
        scores = np.zeros(len(self.reference))
        scores[self.rows[matched]] = self.iou[matched]
        return scores

    def true_positives(self, threshold: float) -> int:
        """The largest number of pairs, each cell in one at most, with an IoU of at least `threshold`."""
        close = self.iou >= threshold
        if not close.any():
            return 0
        shape = (len(self.reference), len(self.predicted))
        graph = csr_array((np.ones(close.sum(), bool), (self.rows[close], self.columns[close])), shape=shape)
        return int((maximum_bipartite_matching(graph) >= 0).sum())


def overlap(reference: Labels, predicted: Labels) -> Overlap:
    """Count the pixels of all cells and pairs of two label images of one shape, 0 being background."""
    r, p = reference.ravel(), predicted.ravel()
    names, sizes = np.unique(r[r > 0], return_counts=True)
    predicted_names, predicted_sizes = np.unique(p[p > 0], return_counts=True)
    both = (r > 0) & (p > 0)
    bits = np.uint64(32)
    pairs, shared = np.unique(r[both].astype(np.uint64) << bits | p[both], return_counts=True)
    rows = np.searchsorted(names, (pairs >> bits).astype(np.uint32))
    columns = np.searchsorted(predicted_names, pairs.astype(np.uint32))
    return Overlap(sizes, predicted_sizes, rows, columns, shared)


@dataclass(frozen=True)
class ImageScore:
    """One reference image: the Jaccard index of each cell `(r,)`, the predicted cells, TP at each of `THRESHOLDS`."""

    name: str
    jaccard: NDArray[np.float64]
    predicted: int
    true_positives: tuple[int, ...]


@dataclass(frozen=True)
class Segmentation:
    """All reference images that count; missing: the names of those without a prediction, whether they count or not."""

    images: tuple[ImageScore, ...]
    missing: tuple[str, ...]

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Of every reference cell."""
        return np.concatenate([image.jaccard for image in self.images])

    @property
    def seg(self) -> float:
        """SEG."""
        return float(self.jaccard.mean())

    @property
    def average_precision(self) -> dict[float, float]:
        """Average precision at each of `THRESHOLDS`, for references that label every cell."""
        cells = len(self.jaccard) + sum(image.predicted for image in self.images)
        found = np.sum([image.true_positives for image in self.images], axis=0)
        return {t: float(tp / (cells - tp)) for t, tp in zip(THRESHOLDS, found, strict=True)}

    def figures(self) -> dict[str, Any]:
        """What `raysynth evaluate seg` prints."""
        return {
            "seg": self.seg,
            "cells": len(self.jaccard),
            "matched": int((self.jaccard > 0).sum()),
            "images": len(self.images),
            "missing": list(self.missing),
            "average_precision_if_all_cells_are_labelled": {str(t): ap for t, ap in self.average_precision.items()},
        }


def compare(
    predicted: str, reference: str, common: bool = False, update: Callable[[int, int], None] = lambda done, total: None
) -> Segmentation:
    """Score the labels of `predicted` against those of `reference`, both places as `label_images` takes them.

    A reference image whose frame has no prediction counts its cells as unmatched; `common` leaves it out. Raises
    InputError where shapes differ, where nothing is in common, or where the reference has no cell.
    """
    frames = {image.time: image for image in label_images(predicted) if image.z is None}
    references, scores, missing = label_images(reference), [], []
    for done, image in enumerate(references, start=1):
        if image.time in frames:
            scores.append(_score(image.name, overlap(*_pair(image, frames[image.time]))))
        else:
            missing.append(image.name)
            if not common:
                scores.append(_score(image.name, overlap(labels := image.read(), np.zeros_like(labels))))
        update(done, len(references))
    if len(missing) == len(references):
        raise InputError(f"{predicted} has no whole frame of those in {reference}: give labels of the same sequence.")
    if not any(len(score.jaccard) for score in scores):
        raise InputError(f"{reference} labels no cell in the frames compared: give a reference with cells.")
    return Segmentation(tuple(scores), tuple(missing))


def _pair(reference: LabelImage, predicted: LabelImage) -> tuple[Labels, Labels]:
    """Both label images, the predicted one cut to the reference's slice."""
    labels, found = reference.read(), predicted.read()
    if reference.z is not None:
        if found.ndim != 3 or reference.z >= len(found):
            raise InputError(
                f"{reference.name} annotates slice {reference.z}, but the predicted {predicted.name} has shape "
                f"{found.shape}: give a prediction of the whole volume."
            )
        found = found[reference.z]
    if labels.shape != found.shape:
        raise InputError(
            f"{reference.name} has shape {labels.shape}, but the predicted {predicted.name} has {found.shape}: "
            "give labels of the same images."
        )
    return labels, found


def _score(name: str, cells: Overlap) -> ImageScore:
    return ImageScore(name, cells.jaccard(), len(cells.predicted), tuple(map(cells.true_positives, THRESHOLDS)))
