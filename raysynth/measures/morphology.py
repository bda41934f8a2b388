"""Metrics of single crops: the cell's shape, its brightness, its texture and its edge.

Grey values are those of the data set. The crop's surroundings are the median of its pixels farther than `FAR_PX` from
the mask; brightness and edge are measured above them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import wasserstein_distance
from skimage.measure import regionprops

from raysynth.base.arrays import Doubles, Mask
from raysynth.measures.shape import half_distance, ks_distance
from raysynth.preparation.edges import EdgeSums, edge_profile, edge_sums
from raysynth.preparation.statistics import EdgeProfile

FAR_PX = 8
"""Pixels farther than this from the mask count as surroundings."""

FINE_PX = 2.0
"""Width of the Gaussian that is taken off a cell to leave its fine structure."""

HALVES = 100
"""Random halves of the real sample that a distance is read beside."""

_Grey = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Distance:
    """How far two samples of one metric are apart, beside random halves of the real sample.

    Attributes
    ----------
    real
        Mean of the real sample.
    synthetic
        Mean of the other one.
    ks
        Kolmogorov–Smirnov distance of the two.
    ks_halves
        The same between random halves of the real sample, on average.
    wasserstein
        Wasserstein distance of the two, in standard deviations of the real sample.
    wasserstein_halves
        The same between random halves of the real sample, on average.
    """

    real: float
    synthetic: float
    ks: float
    ks_halves: float
    wasserstein: float
    wasserstein_halves: float


@dataclass(frozen=True)
class EdgeDistance:
    """How far the edge profiles of two sets are apart.

    Attributes
    ----------
    difference
        Mean absolute difference of the profiles; 1 is the mean brightness of a cell.
    halves
        The same between random halves of the real set, on average.
    """

    difference: float
    halves: float


def surroundings(images: _Grey, masks: Mask) -> Doubles:
    """Measure the grey level around each cell.

    Parameters
    ----------
    images
        Crops `(n, y, x)` in grey values.
    masks
        The cells' masks `(n, y, x)`.

    Returns
    -------
    Doubles
        Median of the pixels farther than `FAR_PX` from the mask, `(n,)`; of all outside it where none is that far.
    """
    levels = []
    for image, mask in zip(images, masks, strict=True):
        far = ~ndimage.binary_dilation(mask, iterations=FAR_PX)
        # A neighbour at the crop's edge hardly moves the median. Cells that fill their crop leave only nearer pixels.
        levels.append(np.median(image[far if far.any() else ~mask]))
    return np.array(levels, np.float64)


def crop_metrics(images: _Grey, masks: Mask) -> dict[str, Doubles]:
    """Measure each crop.

    Parameters
    ----------
    images
        Crops `(n, y, x)` in grey values.
    masks
        The cells' masks `(n, y, x)`, none of them empty.

    Returns
    -------
    dict of str to Doubles
        Name → values `(n,)`. `area_px`, `eccentricity`, `solidity`: of the mask. `background`: the surroundings.
        `brightness`: mean inside the mask above the surroundings. `granularity`: standard deviation of the fine
        structure over the brightness, in the mask less one pixel.

    Notes
    -----
    Granularity is the coefficient of variation, a first-order texture feature (Haralick & Shapiro 1992), of the
    high-passed cell. Noise of the detector counts. The fine structure is the image I less its Gaussian blur of
    `FINE_PX` within the mask M: I - G(I M) / G(M). Dividing by G(M) keeps the dark surroundings out of the blur, so
    that a smooth cell has no granularity at its edge.
    """
    levels = surroundings(images, masks)
    rows = [_row(*crop) for crop in zip(images.astype(np.float64), masks, levels, strict=True)]
    names = ("area_px", "eccentricity", "solidity", "brightness", "background", "granularity")
    return dict(zip(names, np.array(rows).T, strict=True))


def _row(image: Doubles, mask: Mask, level: float) -> tuple[float, ...]:
    region = regionprops(mask.astype(np.uint8))[0]  # area, eccentricity and solidity in pixels of the mask
    brightness = image[mask].mean() - level
    # Blur within the mask alone: G(I M) / G(M). The dark surroundings would else show as structure at the edge.
    weight = ndimage.gaussian_filter(mask.astype(np.float64), FINE_PX)
    blurred = ndimage.gaussian_filter(np.where(mask, image, 0), FINE_PX)
    # Pixels on the outline are half outside the cell: they are left out, unless the cell has no others.
    inner = ndimage.binary_erosion(mask)
    inner = inner if inner.any() else mask
    fine = image[inner] - blurred[inner] / weight[inner]
    # A cell darker than one grey value above its surroundings has no brightness to divide by.
    granularity = fine.std() / max(brightness, 1.0)
    return region.area, region.eccentricity, region.solidity, brightness, level, granularity


def compare_samples(real: Doubles, synthetic: Doubles, rng: Generator) -> Distance:
    """Compute the distances of two samples of one metric, beside those of random halves of the real one.

    Parameters
    ----------
    real
        `(n,)`.
    synthetic
        `(m,)`.
    rng
        Draws the halves.

    Returns
    -------
    Distance
        All distances.
    """
    # In standard deviations, distances of metrics with different units can be read side by side.
    spread = max(float(real.std()), 1e-9)

    def scaled(a: Doubles, b: Doubles) -> float:
        return float(wasserstein_distance(a, b)) / spread

    return Distance(
        float(real.mean()),
        float(synthetic.mean()),
        ks_distance(real, synthetic),
        half_distance(real, rng, HALVES),
        scaled(real, synthetic),
        half_distance(real, rng, HALVES, scaled),
    )


def edges(images: _Grey, masks: Mask) -> list[EdgeSums]:
    """Compute what each crop adds to the edge profile.

    Parameters
    ----------
    images
        Crops `(n, y, x)` in grey values.
    masks
        The cells' masks `(n, y, x)`.

    Returns
    -------
    list of EdgeSums
        One of each crop.
    """
    # `edge_sums` takes volumes: each crop is one of a single slice, on a flat background.
    levels = surroundings(images, masks)
    parts = zip(images, masks, levels, strict=True)
    return [
        edge_sums(image[None], mask[None].astype(np.uint32), np.full((1, *mask.shape), level, np.float32))
        for image, mask, level in parts
    ]


def edge_difference(a: EdgeProfile, b: EdgeProfile) -> float:
    """Compute the mean absolute difference of two edge profiles over the distances that both have.

    Parameters
    ----------
    a
        Brightness against the distance to the outline, relative to the cell's mean.
    b
        The same of the other set.

    Returns
    -------
    float
        1 is the mean brightness of a cell.
    """
    # A small cell has no pixels deep inside: only distances that both sets have can be compared.
    common = np.intersect1d(a.distance_px, b.distance_px)
    values = [np.interp(common, p.distance_px, p.relative) for p in (a, b)]
    return float(np.abs(values[0] - values[1]).mean())


def compare_edges(real: list[EdgeSums], synthetic: list[EdgeSums], rng: Generator) -> EdgeDistance:
    """Compute the difference of two sets' edge profiles, beside that of random halves of the real set.

    Parameters
    ----------
    real
        Sums of each real crop.
    synthetic
        Sums of each other crop.
    rng
        Draws the halves.

    Returns
    -------
    EdgeDistance
        Both differences.
    """
    halves = []
    for _ in range(HALVES):
        # Whole cells are split, not their pixels: those of one cell are alike.
        one, other = np.array_split(rng.permutation(len(real)), 2)
        halves.append(edge_difference(*(edge_profile([real[i] for i in half]) for half in (one, other))))
    difference = edge_difference(edge_profile(real), edge_profile(synthetic))
    return EdgeDistance(difference, float(np.mean(halves)))
