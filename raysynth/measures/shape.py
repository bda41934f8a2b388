"""Metrics of single 3D shapes, the same for real labels and synthetic ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.random import Generator
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.stats import ks_2samp
from skimage.measure import marching_cubes, mesh_surface_area

from raysynth.base.arrays import Doubles, Mask

SURFACE_SMOOTHING = 1.0
"""Default width, in pixels of the finest axis, of the Gaussian that takes the staircase off a mask's surface."""

# scipy's Gaussian reaches 4 widths: at the default smoothing, so much of it spreads beyond the mask.
_PAD = 4

Between = Callable[[Doubles, Doubles], float]
"""A distance between two samples of one metric."""


@dataclass(frozen=True)
class Shape:
    """The metrics of one shape.

    Attributes
    ----------
    volume_um3
        Volume of the voxels, in µm³.
    height_to_width
        Extent along z over the diameter of the circle with the area of the projection along z.
    sphericity
        Surface of the ball of the same volume over the shape's own (Wadell 1935); 1 for a ball.
    solidity
        Volume over that of the convex hull; 1 for a convex shape.
    """

    volume_um3: float
    height_to_width: float
    sphericity: float
    solidity: float


SHAPE_METRICS = tuple(field.name for field in fields(Shape))
"""Names of the metrics of a `Shape`."""


def measure_shape(mask: Mask, voxel_um: tuple[float, ...], smoothing: float = SURFACE_SMOOTHING) -> Shape:
    """Measure a mask of one piece.

    Parameters
    ----------
    mask
        `(z, y, x)`.
    voxel_um
        Size of a voxel z, y, x in µm.
    smoothing
        Width of the Gaussian that smooths the mask before its surface is found, in pixels of the finest axis; 0: none.

    Returns
    -------
    Shape
        Sphericity and solidity are those of the triangle mesh of the smoothed mask.

    Notes
    -----
    The surface is where the smoothed mask is 0.5, by marching cubes (Lorensen & Cline 1987); lower where a thin shape
    would vanish. Its volume follows from the divergence theorem: each triangle abc spans with the origin a tetrahedron
    of signed volume a · (b × c) / 6, and their sum is the volume enclosed. With V and surface A, the sphericity is
    π^⅓ (6 V)^⅔ / A.
    """
    # Empty voxels all round close the surface at the border of the mask.
    smooth = np.pad(mask, _PAD).astype(np.float32)
    if smoothing:
        # The same width in µm along all axes, though voxels may be long in z.
        smooth = ndimage.gaussian_filter(smooth, [smoothing * min(voxel_um) / v for v in voxel_um])
    vertices, faces, _, _ = marching_cubes(smooth, min(0.5, float(smooth.max()) / 2), spacing=voxel_um)
    a, b, c = (vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
    # Divergence theorem: the volume is the sum of the signed tetrahedra a . (b x c) / 6 of all triangles.
    enclosed = abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())) / 6
    # Diameter of the circle with the area A of the projection along z: A = pi d^2 / 4.
    width = 2 * np.sqrt(mask.any(axis=0).sum() * voxel_um[1] * voxel_um[2] / np.pi)
    tall = np.ptp(np.flatnonzero(mask.any(axis=(1, 2)))) + 1
    return Shape(
        # Of the mask, not of the smoothed surface, which shrinks where a shape is thin.
        volume_um3=float(mask.sum() * np.prod(voxel_um)),
        height_to_width=float(tall * voxel_um[0] / width),
        sphericity=float(np.pi ** (1 / 3) * (6 * enclosed) ** (2 / 3) / mesh_surface_area(vertices, faces)),
        solidity=enclosed / float(ConvexHull(vertices).volume),
    )


def shape_columns(shapes: Sequence[Shape]) -> dict[str, Doubles]:
    """Gather each metric of many shapes.

    Parameters
    ----------
    shapes
        The shapes, n of them.

    Returns
    -------
    dict of str to Doubles
        Name → values `(n,)`.
    """
    return {name: np.array([getattr(shape, name) for shape in shapes]) for name in SHAPE_METRICS}


def ks_distance(a: Doubles, b: Doubles) -> float:
    """Compute the Kolmogorov–Smirnov distance of two samples.

    Parameters
    ----------
    a
        `(n,)`.
    b
        `(m,)`.

    Returns
    -------
    float
        The largest gap between their cumulative distributions, 0 to 1.
    """
    return float(ks_2samp(a, b).statistic)


def half_distance(sample: Doubles, rng: Generator, rounds: int = 500, between: Between = ks_distance) -> float:
    """Compute how far one random half of a sample is from the other, on average.

    Parameters
    ----------
    sample
        `(n,)`.
    rng
        Draws the halves.
    rounds
        How many pairs of halves are drawn.
    between
        The distance.

    Returns
    -------
    float
        Mean distance of the halves: what a perfect other sample of this size would reach.
    """
    halves = (np.array_split(rng.permutation(sample), 2) for _ in range(rounds))
    return float(np.mean([between(one, other) for one, other in halves]))
