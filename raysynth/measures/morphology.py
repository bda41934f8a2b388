"""Figures of single crops: the cell's shape, its brightness, its texture and its edge.

Grey values are those of the data set. The crop's surroundings are the median of its pixels farther than `FAR_PX` from
the mask; brightness and edge are measured above them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import wasserstein_distance
from skimage.measure import regionprops

from raysynth.measures.shape import distance, half_distance
from raysynth.preparation.edges import EdgeSums, edge_profile, edge_sums
from raysynth.preparation.statistics import EdgeProfile

FAR_PX = 8
FINE_PX = 2.0
HALVES = 100

Floats = NDArray[np.floating]
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Distance:
    """Two samples of one figure: means, Kolmogorov–Smirnov, and Wasserstein in standard deviations of the real sample.

    `*_halves`: the same between random halves of the real sample.
    """

    real: float
    synthetic: float
    ks: float
    ks_halves: float
    wasserstein: float
    wasserstein_halves: float


def surroundings(images: Floats, masks: Masks) -> NDArray[np.float64]:
    """The level `(n,)` around each cell; of the whole crop outside the mask where nothing is far."""
    levels = []
    for image, mask in zip(images, masks, strict=True):
        far = ~ndimage.binary_dilation(mask, iterations=FAR_PX)
        levels.append(np.median(image[far if far.any() else ~mask]))
    return np.array(levels, np.float64)


def table(images: Floats, masks: Masks) -> dict[str, NDArray[np.float64]]:
    """Each figure `(n,)`, by name, of crops `(n, y, x)` in grey values with non-empty masks.

    area_px, eccentricity, solidity: of the mask. brightness: mean inside the mask above the surroundings. background:
    the surroundings. granularity: standard deviation of the fine structure (the image less its Gaussian blur of
    `FINE_PX`, normalised to the mask) over the brightness, in the mask less one pixel: the coefficient of variation, a
    first-order texture feature (Haralick & Shapiro 1992), of the high-passed cell; detector noise counts.
    """
    levels = surroundings(images, masks)
    rows = [_row(*crop) for crop in zip(images.astype(np.float64), masks, levels, strict=True)]
    names = ("area_px", "eccentricity", "solidity", "brightness", "background", "granularity")
    return dict(zip(names, np.array(rows).T, strict=True))


def _row(image: NDArray[np.float64], mask: Masks, level: float) -> tuple[float, ...]:
    region = regionprops(mask.astype(np.uint8))[0]
    brightness = image[mask].mean() - level
    weight = ndimage.gaussian_filter(mask.astype(np.float64), FINE_PX)
    blurred = ndimage.gaussian_filter(np.where(mask, image, 0), FINE_PX)
    inner = ndimage.binary_erosion(mask)
    inner = inner if inner.any() else mask
    fine = image[inner] - blurred[inner] / weight[inner]
    granularity = fine.std() / max(brightness, 1.0)
    return region.area, region.eccentricity, region.solidity, brightness, level, granularity


def compare(real: NDArray[np.float64], synthetic: NDArray[np.float64], rng: Generator) -> Distance:
    """Distances of two samples of one figure, beside those of random halves of the real one."""
    spread = max(float(real.std()), 1e-9)

    def scaled(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(wasserstein_distance(a, b)) / spread

    return Distance(
        float(real.mean()),
        float(synthetic.mean()),
        distance(real, synthetic),
        half_distance(real, rng, HALVES),
        scaled(real, synthetic),
        half_distance(real, rng, HALVES, scaled),
    )


def edges(images: Floats, masks: Masks) -> list[EdgeSums]:
    """What each crop adds to the edge profile."""
    levels = surroundings(images, masks)
    parts = zip(images, masks, levels, strict=True)
    return [
        edge_sums(image[None], mask[None].astype(np.uint32), np.full((1, *mask.shape), level, np.float32))
        for image, mask, level in parts
    ]


def edge_difference(a: EdgeProfile, b: EdgeProfile) -> float:
    """Mean absolute difference of two profiles over the distances both have; 1 is the mean brightness of a cell."""
    common = np.intersect1d(a.distance_px, b.distance_px)
    values = [np.interp(common, p.distance_px, p.relative) for p in (a, b)]
    return float(np.abs(values[0] - values[1]).mean())


def compare_edges(real: list[EdgeSums], synthetic: list[EdgeSums], rng: Generator) -> dict[str, float]:
    """The difference of two sets' edge profiles, and the mean one of random halves of the real set."""
    halves = []
    for _ in range(HALVES):
        one, other = np.array_split(rng.permutation(len(real)), 2)
        halves.append(edge_difference(*(edge_profile([real[i] for i in half]) for half in (one, other))))
    difference = edge_difference(edge_profile(real), edge_profile(synthetic))
    return {"difference": difference, "halves": float(np.mean(halves))}
