"""How the cells of two label images lie on each other: what SEG and average precision are computed from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from raysynth.base.arrays import Doubles, Labels

_LABEL_BITS = 32


@dataclass(frozen=True)
class Overlap:
    """How the cells of two label images lie on each other.

    Attributes
    ----------
    reference
        Pixels of each reference cell `(r,)`, in the order of their labels.
    predicted
        Pixels of each predicted cell `(p,)`, likewise.
    rows
        For each pair that overlaps, the position of its cell in `reference`, `(k,)`.
    columns
        The position in `predicted`, `(k,)`.
    shared
        Pixels that both cells of a pair cover, `(k,)`.
    """

    reference: NDArray[np.intp]
    predicted: NDArray[np.intp]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    shared: NDArray[np.intp]

    @property
    def iou(self) -> Doubles:
        """Jaccard index of each pair, `(k,)`."""
        return self.shared / (self.reference[self.rows] + self.predicted[self.columns] - self.shared)

    def jaccard(self) -> Doubles:
        """Compute what each reference cell adds to SEG.

        Returns
        -------
        Doubles
            `(r,)`: the Jaccard index with its match, 0 without one. A match covers more than half of the cell, so no
            cell has two.
        """
        # More than half of the reference cell, in whole numbers: no rounding decides.
        matched = 2 * self.shared > self.reference[self.rows]
        scores = np.zeros(len(self.reference))
        scores[self.rows[matched]] = self.iou[matched]
        return scores

    def true_positives(self, threshold: float) -> int:
        """Count the true positives of average precision.

        Parameters
        ----------
        threshold
            Least IoU of a pair.

        Returns
        -------
        int
            The largest number of pairs, each cell in one at most: a maximum matching of the bipartite graph.
        """
        close = self.iou >= threshold
        if not close.any():
            return 0
        # At thresholds above 0.5 pairs are unique; at 0.5 two halves of a cell may both be close to it.
        shape = (len(self.reference), len(self.predicted))
        graph = csr_array((np.ones(close.sum(), bool), (self.rows[close], self.columns[close])), shape=shape)
        return int((maximum_bipartite_matching(graph) >= 0).sum())


def overlap(reference: Labels, predicted: Labels) -> Overlap:
    """Count the pixels of all cells, and of all pairs of cells, of two label images.

    Parameters
    ----------
    reference
        Of any shape; 0 is background.
    predicted
        Of the same shape.

    Returns
    -------
    Overlap
        Pixels of cells and pairs.
    """
    r, p = reference.ravel(), predicted.ravel()
    names, sizes = np.unique(r[r > 0], return_counts=True)
    predicted_names, predicted_sizes = np.unique(p[p > 0], return_counts=True)
    # The two labels of a pixel as one number of 64 bits: one sort counts the pixels of all pairs.
    both = (r > 0) & (p > 0)
    bits = np.uint64(_LABEL_BITS)
    pairs, shared = np.unique(r[both].astype(np.uint64) << bits | p[both], return_counts=True)
    # Labels may have gaps and be as large as 2^32 - 1: they are turned into positions by their order.
    rows = np.searchsorted(names, (pairs >> bits).astype(np.uint32))
    columns = np.searchsorted(predicted_names, pairs.astype(np.uint32))
    return Overlap(sizes, predicted_sizes, rows, columns, shared)
