"""Distances between two sets of images, from their features in a network: FID and KID, and precision and recall.

All of them are computed by torch-fidelity, on sets of equal size. FID is biased upwards at any n, and strongly below
n = 2048, the number of Inception's features: compare it at one n only. KID is unbiased and may fall below 0.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from raysynth.base.sampling import evenly_spaced

BLOCKS = 20
"""Blocks of the jackknife."""

# The k of the paper: a point counts as covered within the distance to the k-th neighbour.
_NEIGHBOURS = 3


@dataclass(frozen=True)
class Fidelity:
    """One set of images against real ones, beside other real images against the same real ones.

    Attributes
    ----------
    n
        Images of each set.
    kid
        KID of the set.
    kid_real
        KID of the other real images.
    excess
        `kid` less `kid_real`.
    error
        Standard error of the excess.
    fid
        FID of the set.
    fid_real
        FID of the other real images.
    ratio
        `fid` over `fid_real`.
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
    """Compute the Fréchet inception distance (Heusel et al., NeurIPS 2017).

    Parameters
    ----------
    a
        Features `(n, d)`, float64, n of at least 2.
    b
        Features of the other set, `(n, d)`.

    Returns
    -------
    float
        |μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½), with the means μ and covariances Σ of the features.
    """
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # of the extra `eval`

    statistics = [fid_features_to_statistics(features) for features in (a, b)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"])


def kid(a: Tensor, b: Tensor) -> float:
    """Compute the kernel inception distance (Bińkowski et al., ICLR 2018).

    Parameters
    ----------
    a
        Features `(n, d)`, float64.
    b
        Features of the other set, `(n, d)`: as many images. Both sets are one subset each; smaller subsets would give
        a noisier estimate of the same value.

    Returns
    -------
    float
        Unbiased estimate of the squared maximum mean discrepancy under the kernel k(x, y) = (x·y / d + 1)³.
    """
    from torch_fidelity.metric_kid import kid_features_to_metric  # of the extra `eval`

    # One subset of everything: the unbiased estimate itself, without the noise of random subsets.
    found = kid_features_to_metric(a, b, kid_subsets=1, kid_subset_size=len(a), verbose=False)
    return float(found["kernel_inception_distance_mean"])


def precision_recall(real: Tensor, other: Tensor) -> tuple[float, float]:
    """Compute improved precision and recall (Kynkäänniemi et al., NeurIPS 2019).

    Parameters
    ----------
    real
        Features `(n, d)` of real images, n above 3.
    other
        Features `(n, d)` of the images to judge.

    Returns
    -------
    tuple of float and float
        Precision: the fraction of `other` within the third-neighbour ball of a real image. Recall: the fraction of
        `real` within that of another image.
    """
    from torch_fidelity.metric_prc import prc_features_to_metric  # of the extra `eval`

    # torch-fidelity takes the generated set first: exchanged, precision and recall would change names.
    found = prc_features_to_metric(other, real, prc_neighborhood=_NEIGHBOURS, verbose=False)
    return float(found["precision"]), float(found["recall"])


def kid_excess(real: Tensor, again: Tensor, other: Tensor) -> tuple[float, float]:
    """Compute by how much a set is farther from real images than other real images are, and how sure that is.

    Parameters
    ----------
    real
        Features `(n, d)` of real images, n of at least 40.
    again
        Features `(n, d)` of more real images.
    other
        Features `(n, d)` of the images to judge. Each set stands in the order of its frames.

    Returns
    -------
    tuple of float and float
        KID(real, other) - KID(real, again), and its standard error.

    Notes
    -----
    The error is that of the delete-a-block jackknife (Künsch 1989; Efron & Tibshirani 1993, section 11). With g blocks
    and the estimate θ₋ᵢ without block i, it is √((g - 1) / g Σᵢ (θ₋ᵢ - θ̄)²), that is √((g - 1) var θ₋ᵢ). The same
    `BLOCKS` contiguous blocks leave all three sets at once, so what the two distances share cancels.

    Images of one frame are alike and stay in one block. Taken as independent they would give too small an error. The
    spread over random subsets, which is often reported, is no standard error: it grows as the subsets shrink, and does
    not depend on n.
    """
    blocks = np.array_split(np.arange(len(real)), BLOCKS)
    without = []
    for block in blocks:
        # The same images leave all three sets: what both distances owe to them cancels in the difference.
        kept = np.setdiff1d(np.arange(len(real)), block)
        without.append(kid(real[kept], other[kept]) - kid(real[kept], again[kept]))
    # sqrt((g - 1) / g * sum of squares) is sqrt((g - 1) * variance): np.var divides by g.
    error = np.sqrt((BLOCKS - 1) * np.var(without))
    return kid(real, other) - kid(real, again), float(error)


def compare_features(real: Tensor, again: Tensor, other: Tensor) -> Fidelity:
    """Compute all distances of a set of images from real ones, beside those of more real images.

    Parameters
    ----------
    real
        Features `(n, d)` of real images.
    again
        Features `(m, d)` of more real images.
    other
        Features `(k, d)` of the images to judge. Each set stands in the order of its frames.

    Returns
    -------
    Fidelity
        At the smallest of n, m and k; larger sets give evenly spaced images.
    """
    # FID grows as n shrinks, so both of its values must be taken at one n.
    n = min(len(real), len(again), len(other))
    a, b, c = (features[evenly_spaced(len(features), n)] for features in (real, again, other))
    excess, error = kid_excess(a, b, c)
    fids = fid(a, c), fid(a, b)
    return Fidelity(n, kid(a, c), kid(a, b), excess, error, *fids, fids[0] / fids[1])
