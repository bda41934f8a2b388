"""SEG as the Cell Tracking Challenge defines it, and average precision.

SEG (Maška et al., Bioinformatics 2014; Ulman et al., Nature Methods 2017) compares every label image of the reference
with the predicted labels of its frame. A reference cell R is matched by the predicted cell S that covers more than half
of it, and scores their Jaccard index |R∩S| / |R∪S|; an unmatched one scores 0. SEG is the mean over all reference cells
of all images, so references may leave cells out. An image of one slice is compared with that slice, as the challenge's
own program does: a cell annotated in two slices counts twice.

Average precision is TP / (TP + FP + FN), summed over all images, as in StarDist and Cellpose. TP is the largest number
of cells paired one to one with an intersection over union (IoU) of at least the threshold. It means something only
where the reference labels every cell.

It is written here because it was measured 43 times faster than py-ctcmetrics, whose SEG it equals (a test compares the
two): all cells of a frame are counted at once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from raysynth.base.arrays import Doubles, Labels
from raysynth.base.errors import InputError
from raysynth.base.progress import Progress, no_progress
from raysynth.base.reports import Report
from raysynth.measures.label_sets import LabelImage, label_images
from raysynth.measures.overlaps import Overlap, overlap

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""IoU at which average precision is taken."""


@dataclass(frozen=True)
class ImageScore:
    """The scores of one reference image.

    Attributes
    ----------
    name
        Name of its file, or its frame.
    jaccard
        Jaccard index of each reference cell, `(r,)`.
    predicted
        Number of predicted cells.
    true_positives
        At each of `THRESHOLDS`.
    """

    name: str
    jaccard: Doubles
    predicted: int
    true_positives: tuple[int, ...]


@dataclass(frozen=True)
class SegReport(Report):
    """SEG of all reference images that count.

    Attributes
    ----------
    images
        The scores of each image.
    missing
        Names of the images without a prediction, whether they count or not.
    """

    images: tuple[ImageScore, ...]
    missing: tuple[str, ...]

    @property
    def jaccard(self) -> Doubles:
        """Jaccard index of every reference cell."""
        return np.concatenate([image.jaccard for image in self.images])

    @property
    def seg(self) -> float:
        """Mean of the Jaccard indices, 0 to 1."""
        return float(self.jaccard.mean())

    @property
    def average_precision(self) -> dict[float, float]:
        """Average precision at each of `THRESHOLDS`, for references that label every cell."""
        # Reference and predicted cells are (TP + FN) + (TP + FP): less TP, that is the denominator.
        cells = len(self.jaccard) + sum(image.predicted for image in self.images)
        found = np.sum([image.true_positives for image in self.images], axis=0)
        return {t: float(tp / (cells - tp)) for t, tp in zip(THRESHOLDS, found, strict=True)}

    def to_json(self) -> dict[str, Any]:
        """Return what `raysynth evaluate seg --json` writes.

        Returns
        -------
        dict
            SEG, counts of cells and images, and average precision.
        """
        return {
            "seg": self.seg,
            "cells": len(self.jaccard),
            "matched": int((self.jaccard > 0).sum()),
            "images": len(self.images),
            "missing": list(self.missing),
            "average_precision_if_all_cells_are_labelled": {str(t): ap for t, ap in self.average_precision.items()},
        }


def compare_labels(
    predicted: str, reference: str, common: bool = False, *, progress: Progress = no_progress
) -> SegReport:
    """Score predicted labels against reference labels.

    Parameters
    ----------
    predicted
        Address of the labels, as `label_images` takes it.
    reference
        Address of the reference labels, likewise.
    common
        Leave out reference images whose frame has no prediction; else their cells count as unmatched.
    progress
        Called after each reference image.

    Returns
    -------
    SegReport
        SEG, and the scores of each image.

    Raises
    ------
    InputError
        Where shapes differ, where nothing is in common, or where the reference has no cell.
    """
    # Predictions of single slices say nothing of a frame.
    frames = {image.time: image for image in label_images(predicted) if image.z is None}
    references, scores, missing = label_images(reference), [], []
    for done, image in enumerate(references, start=1):
        if image.time in frames:
            scores.append(_score(image.name, overlap(*_pair(image, frames[image.time]))))
        else:
            missing.append(image.name)
            if not common:
                # As if nothing had been found: leaving a hard frame out must not raise SEG.
                scores.append(_score(image.name, overlap(labels := image.read(), np.zeros_like(labels))))
        progress(done, len(references))
    if len(missing) == len(references):
        raise InputError(f"{predicted} has no whole frame of those in {reference}: give labels of the same sequence.")
    if not any(len(score.jaccard) for score in scores):
        raise InputError(f"{reference} labels no cell in the frames compared: give a reference with cells.")
    return SegReport(tuple(scores), tuple(missing))


def _pair(reference: LabelImage, predicted: LabelImage) -> tuple[Labels, Labels]:
    """Read both label images, the predicted one cut to the reference's slice."""
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
