"""Near-copies: has a model learnt the distribution of masks, or the masks?"""

import numpy as np
from numpy.typing import NDArray

NEAR = 0.95
"""IoU from which two masks count as copies of one another."""


def nearest_iou(masks: NDArray[np.bool_], reference: NDArray[np.bool_]) -> NDArray[np.float64]:
    """IoU `(n,)` of each mask `(n, side, side)` with the most similar of `reference`, under the 8 flips and turns."""
    flat = reference.reshape(len(reference), -1).astype(np.float32)
    areas = flat.sum(axis=1)
    best = np.zeros(len(masks))
    for turns in range(4):
        for flipped in (masks, masks[..., ::-1]):
            seen = np.rot90(flipped, turns, axes=(1, 2)).reshape(len(masks), -1).astype(np.float32)
            intersection = seen @ flat.T
            union = seen.sum(axis=1)[:, None] + areas - intersection
            best = np.maximum(best, (intersection / np.maximum(union, 1)).max(axis=1))
    return best


def near_copies(masks: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Share of `masks` that are near-copies of one in `reference`."""
    return float((nearest_iou(masks, reference) >= NEAR).mean())
