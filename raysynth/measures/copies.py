"""Near-copies: whether a model has learnt a distribution, or its training examples."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Doubles, Floats, Mask
from raysynth.base.symmetries import SYMMETRIES, symmetry

NEAR = 0.95
"""Intersection over union from which two masks count as copies of one another."""

NEAREST_REAL = 0.05
"""Fraction of real crops of other frames that count as near-copies. It sets the threshold for textures."""


def nearest_iou(masks: Mask, reference: Mask) -> Doubles:
    """Compare each mask with the most similar reference mask, under the eight flips and turns.

    Parameters
    ----------
    masks
        `(n, side, side)`.
    reference
        `(m, side, side)`, such as the training masks.

    Returns
    -------
    Doubles
        Highest intersection over union of each mask, `(n,)`; 0 for an empty one.
    """
    # float32 for fast products. Counts of pixels are exact in it up to 2^24, far above a crop's area.
    flat = reference.reshape(len(reference), -1).astype(np.float32)
    areas = flat.sum(axis=1)
    best = np.zeros(len(masks))
    for turned in _flips_and_turns(masks):
        seen = turned.reshape(len(masks), -1).astype(np.float32)
        # |A and B| of all pairs is a product of matrices, and |A or B| = |A| + |B| - |A and B|.
        intersection = seen @ flat.T
        union = seen.sum(axis=1)[:, None] + areas - intersection
        best = np.maximum(best, (intersection / np.maximum(union, 1)).max(axis=1))
    return best


def near_copies(masks: Mask, reference: Mask) -> float:
    """Measure the fraction of masks that are near-copies of a reference mask.

    Parameters
    ----------
    masks
        `(n, side, side)`.
    reference
        `(m, side, side)`.

    Returns
    -------
    float
        Fraction of `masks` whose `nearest_iou` is at least `NEAR`.
    """
    return float((nearest_iou(masks, reference) >= NEAR).mean())


def nearest_correlation(crops: NDArray[np.floating[Any]], reference: NDArray[np.floating[Any]]) -> Doubles:
    """Compare each crop with the most similar reference crop, under the eight flips and turns.

    Parameters
    ----------
    crops
        Grey values `(n, side, side)`.
    reference
        Grey values `(m, side, side)`.

    Returns
    -------
    Doubles
        Highest Pearson correlation of each crop over all its pixels, `(n,)`. Brightness and contrast do not count. A
        flat crop correlates with nothing.
    """
    flat = _standardised(reference).T
    # The least correlation there is, so that the first comparison always replaces it.
    best = np.full(len(crops), -1.0)
    for turned in _flips_and_turns(crops):
        best = np.maximum(best, (_standardised(turned) @ flat).max(axis=1))
    return best


def texture_copies(
    synthetic: NDArray[np.floating[Any]], validation: NDArray[np.floating[Any]], training: NDArray[np.floating[Any]]
) -> dict[str, float]:
    """Measure how often crops are nearer to a training crop than real crops of other frames usually are.

    Parameters
    ----------
    synthetic
        Grey values `(n, side, side)` that the model drew.
    validation
        Real crops of frames that did not train, `(m, side, side)`.
    training
        Real crops that trained, `(k, side, side)`.

    Returns
    -------
    dict of str to float
        `threshold`: the correlation that counts as near. `validation`, `synthetic`: fraction of crops that reach it.
        `median_validation`, `median_synthetic`: median correlation with the nearest training crop.

    Notes
    -----
    How alike two independent crops look depends on the data, so no fixed correlation means a copy. The threshold is
    what the nearest `NEAREST_REAL` of the validation crops reach. A model that draws from the distribution reaches it
    as often as they do. One that repeats its training crops reaches it always.
    """
    real, found = nearest_correlation(validation, training), nearest_correlation(synthetic, training)
    threshold = float(np.quantile(real, 1 - NEAREST_REAL))
    return {
        "threshold": threshold,
        "validation": float((real >= threshold).mean()),
        "synthetic": float((found >= threshold).mean()),
        "median_validation": float(np.median(real)),
        "median_synthetic": float(np.median(found)),
    }


def _flips_and_turns(crops: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Give square crops `(n, side, side)` under each of the eight flips and turns."""
    return (symmetry(crops, index) for index in range(SYMMETRIES))


def _standardised(crops: NDArray[Any]) -> Floats:
    """Give crops as rows of mean 0 and length 1: their products are Pearson's correlations."""
    rows = crops.reshape(len(crops), -1).astype(np.float32)
    # Brightness leaves with the mean, contrast with the length; a flat crop becomes 0.
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)
