"""Figures of single 3D shapes, the same for real labels and synthetic ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.stats import ks_2samp
from skimage.measure import marching_cubes, mesh_surface_area

SMOOTHING = 1.0
"""Default width, in pixels of the finest axis, of the Gaussian that takes the staircase off a mask's surface."""

_PAD = 4

Between = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


@dataclass(frozen=True)
class Shape:
    """volume_um3: of the voxels. height_to_width: extent along z over the equivalent diameter of the z-projection.

    sphericity: surface of the ball of the same volume over the shape's own. solidity: volume over the convex hull's.
    """

    volume_um3: float
    height_to_width: float
    sphericity: float
    solidity: float


NAMES = tuple(field.name for field in fields(Shape))


def measure(mask: NDArray[np.bool_], voxel_um: tuple[float, ...], smoothing: float = SMOOTHING) -> Shape:
    """Figures of a mask `(z, y, x)` of one piece.

    Sphericity and solidity are those of the triangle mesh of the smoothed mask; its level is lowered where a thin shape
    would vanish.
    """
    smooth = np.pad(mask, _PAD).astype(np.float32)
    if smoothing:
        smooth = ndimage.gaussian_filter(smooth, [smoothing * min(voxel_um) / v for v in voxel_um])
    vertices, faces, _, _ = marching_cubes(smooth, min(0.5, float(smooth.max()) / 2), spacing=voxel_um)
    a, b, c = (vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
    enclosed = abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())) / 6
    width = 2 * np.sqrt(mask.any(axis=0).sum() * voxel_um[1] * voxel_um[2] / np.pi)
    tall = np.ptp(np.flatnonzero(mask.any(axis=(1, 2)))) + 1
    return Shape(
        volume_um3=float(mask.sum() * np.prod(voxel_um)),
        height_to_width=float(tall * voxel_um[0] / width),
        sphericity=float(np.pi ** (1 / 3) * (6 * enclosed) ** (2 / 3) / mesh_surface_area(vertices, faces)),
        solidity=enclosed / float(ConvexHull(vertices).volume),
    )


def table(shapes: Sequence[Shape]) -> dict[str, NDArray[np.float64]]:
    """Each figure of many shapes, by name."""
    return {name: np.array([getattr(shape, name) for shape in shapes]) for name in NAMES}


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Kolmogorov–Smirnov distance of two samples: the largest gap between their cumulative distributions."""
    return float(ks_2samp(a, b).statistic)


def half_distance(sample: NDArray[np.float64], rng: Generator, rounds: int = 500, between: Between = distance) -> float:
    """Mean distance (Kolmogorov–Smirnov unless `between` is another) of one random half of a sample from the other."""
    halves = (np.array_split(rng.permutation(sample), 2) for _ in range(rounds))
    return float(np.mean([between(one, other) for one, other in halves]))
