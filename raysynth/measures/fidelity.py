"""Distances between two sets of images, from their Inception features: FID (Heusel 2017) and KID (Bińkowski 2018).

Both by torch-fidelity's own arithmetic, on sets of equal size. FID is biased upwards at any n and strongly so below
n = 2048, the number of features: it is compared at one n only. KID is unbiased and may fall below 0.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

BLOCKS = 20
"""Blocks of the jackknife."""


@dataclass(frozen=True)
class Fidelity:
    """One set of images against real ones, beside real images against the same real ones.

    n: images of each set. excess: kid less kid_real; error: the standard error of the excess. ratio: fid over fid_real.
    """

    n: int
    kid: float
    kid_real: float
    excess: float
    error: float
    fid: float
    fid_real: float
    ratio: float


def fid(a: Tensor, b: Tensor) -> float:
    """Fréchet distance of features `(n, d)` and `(n, d)`, float64, n of at least 2."""
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # of the extra `eval`

    statistics = [fid_features_to_statistics(features) for features in (a, b)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"])


def kid(a: Tensor, b: Tensor) -> float:
    """Unbiased squared MMD of all features `(n, d)` and `(n, d)` under Bińkowski's cubic kernel: one subset, the set.

    n must be the same: with subsets the figure would be a noisier estimate of this one.
    """
    from torch_fidelity.metric_kid import kid_features_to_metric  # of the extra `eval`

    figures = kid_features_to_metric(a, b, kid_subsets=1, kid_subset_size=len(a), verbose=False)
    return float(figures["kernel_inception_distance_mean"])


def precision_recall(real: Tensor, other: Tensor) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi 2019) of `other` against `real`, features `(n, d)`, n above 3.

    Precision: the share of `other` within the third-neighbour ball of a real image; recall: the reverse.
    """
    from torch_fidelity.metric_prc import prc_features_to_metric  # of the extra `eval`

    figures = prc_features_to_metric(other, real, prc_neighborhood=3, verbose=False)
    return float(figures["precision"]), float(figures["recall"])


def kid_excess(real: Tensor, again: Tensor, other: Tensor) -> tuple[float, float]:
    """KID(real, other) - KID(real, again), and its standard error; features `(n, d)` of one n, at least 40.

    The error is that of the delete-a-block jackknife (Künsch 1989; Efron & Tibshirani 1993, section 11) over `BLOCKS`
    contiguous blocks, the same of all three sets at once, so what the two distances share cancels. Sets in the order of
    their frames keep images of one frame in one block: they are alike, and treating them as independent would give an
    error that is too small. The spread over random subsets, which is often reported, is not a standard error: it grows
    with the subsets' smallness and knows nothing of n.
    """
    blocks = np.array_split(np.arange(len(real)), BLOCKS)
    without = []
    for block in blocks:
        kept = np.setdiff1d(np.arange(len(real)), block)
        without.append(kid(real[kept], other[kept]) - kid(real[kept], again[kept]))
    error = np.sqrt((BLOCKS - 1) * np.var(without))
    return kid(real, other) - kid(real, again), float(error)


def compare(real: Tensor, again: Tensor, other: Tensor) -> Fidelity:
    """All figures of `other` against `real`, beside `again`, more real images; features cut to the smallest n.

    Each set should be in the order of its frames. The cut takes evenly spaced images.
    """
    n = min(len(real), len(again), len(other))
    a, b, c = (x[np.linspace(0, len(x) - 1, n).round().astype(int)] for x in (real, again, other))
    excess, error = kid_excess(a, b, c)
    fids = fid(a, c), fid(a, b)
    return Fidelity(n, kid(a, c), kid(a, b), excess, error, *fids, fids[0] / fids[1])
