"""Near-copies: has a model learnt a distribution, or its training examples?"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from raysynth.base.symmetries import SYMMETRIES, symmetry

NEAR = 0.95
"""IoU from which two masks count as copies of one another."""

NEAREST_REAL = 0.05
"""Share of real crops of other frames that count as near-copies: what sets the threshold for textures."""


def symmetries(crops: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    """Square crops `(n, side, side)` under each of the 8 flips and turns."""
    return (symmetry(crops, index) for index in range(SYMMETRIES))


def nearest_iou(masks: NDArray[np.bool_], reference: NDArray[np.bool_]) -> NDArray[np.float64]:
    """IoU `(n,)` of each mask `(n, side, side)` with the most similar of `reference`, under the 8 flips and turns."""
    flat = reference.reshape(len(reference), -1).astype(np.float32)
    areas = flat.sum(axis=1)
    best = np.zeros(len(masks))
    for turned in symmetries(masks):
        seen = turned.reshape(len(masks), -1).astype(np.float32)
        intersection = seen @ flat.T
        union = seen.sum(axis=1)[:, None] + areas - intersection
        best = np.maximum(best, (intersection / np.maximum(union, 1)).max(axis=1))
    return best


def near_copies(masks: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Share of `masks` that are near-copies of one in `reference`."""
    return float((nearest_iou(masks, reference) >= NEAR).mean())


def nearest_correlation(crops: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """Correlation `(n,)` of each crop `(n, side, side)` with the most similar of `reference`, under flips and turns.

    Pearson's, over all pixels of the crop: brightness and contrast do not count. A flat crop correlates with nothing.
    """
    flat = _standardised(reference).T
    best = np.full(len(crops), -1.0)
    for turned in symmetries(crops):
        best = np.maximum(best, (_standardised(turned) @ flat).max(axis=1))
    return best


def _standardised(crops: NDArray[np.generic]) -> NDArray[np.float32]:
    rows = crops.reshape(len(crops), -1).astype(np.float32)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def texture_copies(
    synthetic: NDArray[np.floating], validation: NDArray[np.floating], training: NDArray[np.floating]
) -> dict[str, float]:
    """Shares of crops `(n, side, side)` nearer to a training crop than real ones of other frames usually are.

    How alike two independent crops look depends on the data, so no fixed correlation means a copy. The threshold is the
    one that the nearest `NEAREST_REAL` of the validation crops pass (`validation` is that share, but for ties): a model
    that draws from the distribution passes it as often, one that repeats its training crops always.
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
