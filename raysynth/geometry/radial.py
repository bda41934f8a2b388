"""Radii of real shapes: from label masks to the harmonics and waves that a `Spectrum` is measured on."""

import math
from functools import lru_cache

import numpy as np
import trimesh
from scipy import ndimage

from raysynth.base.arrays import Doubles, Floats, Mask
from raysynth.geometry.harmonics import real_harmonics
from raysynth.geometry.stars import FILL

ANGLES = 64
"""Angles at which outlines are measured."""

# 10 * 4^4 + 2 = 2562 directions: four for each of the 625 coefficients of the highest degree allowed, 24.
_SUBDIVISIONS = 4
_SMOOTHING = 1.0
"""Standard deviation, in pixels of the finest axis, that takes the staircase off a mask."""
_SAMPLES = 160
# A corner of the box lies at most sqrt(3) FILL = 1.47 from its middle; the rest is for centroids off the middle.
_REACH = 2.0
_LEAST = 0.1
"""Radius, in cube units, of a direction in which the middle is already outside."""


def coefficients(mask: Mask, voxel_um: tuple[float, ...], max_degree: int) -> Doubles:
    """Expand the log radius of a mask in harmonics, framed as the cascade frames a cell.

    Radii run from the centroid to the last surface crossed, in the cube that scales the mask's height and width to one
    length. They are fitted by least squares at evenly spread directions.

    Parameters
    ----------
    mask
        A cell `(z, y, x)`.
    voxel_um
        Size of a voxel (z, y, x) in µm.
    max_degree
        Highest degree.

    Returns
    -------
    Doubles
        Coefficients `((max_degree + 1)²,)`.
    """
    # Height and width by themselves, as the cascade frames cells: the spectrum holds form alone, and no flatness.
    half = _box_um(mask, voxel_um) / (2 * FILL)
    directions, inverse = _sphere(max_degree)
    radii = _radii(mask, [h / v for h, v in zip(half, voxel_um, strict=True)], directions[:, ::-1], voxel_um)
    return inverse @ np.log(radii)


def outline_log_radii(outline: Mask) -> Doubles:
    """Measure the log radius of an outline about its centroid.

    Parameters
    ----------
    outline
        Mask `(y, x)`.

    Returns
    -------
    Doubles
        Log radius at `ANGLES` even angles, less its mean.
    """
    angle = 2 * math.pi * np.arange(ANGLES) / ANGLES
    half = max(outline.shape) / (2 * FILL)
    radii = _radii(outline, [half, half], np.stack([np.sin(angle), np.cos(angle)], axis=1), (1.0, 1.0))
    logs = np.log(radii)
    return logs - logs.mean()


def _box_um(mask: Mask, voxel_um: tuple[float, ...]) -> Doubles:
    """Measure height, width and width of the mask's bounding box in µm."""
    index = np.nonzero(mask)
    height, *sides = ((int(i.max()) - int(i.min()) + 1) * v for i, v in zip(index, voxel_um, strict=True))
    return np.array([height, max(sides), max(sides)])


def _radii(mask: Mask, unit_px: list[float], directions: Doubles, voxel_um: tuple[float, ...]) -> Doubles:
    """Measure the distance from the centroid to the last surface along each direction `(v, d)`, axes as the mask's.

    unit_px: pixels in one cube unit along each axis.
    """
    # Four pixels are as far as the smoothing reaches (scipy cuts Gaussians at 4 sigma): the border is all outside.
    padded = np.pad(mask, 4).astype(np.float32)
    # Less along coarse axes: one width in pixels of each axis would smooth thick slices into each other.
    smooth = ndimage.gaussian_filter(padded, [_SMOOTHING * min(voxel_um) / v for v in voxel_um]) - 0.5
    centre = np.array([i.mean() for i in np.nonzero(padded)])
    distance = np.linspace(0, _REACH, _SAMPLES)
    points = distance[:, None] * (directions * unit_px)[:, None] + centre
    along = ndimage.map_coordinates(smooth, np.moveaxis(points, -1, 0), order=1, mode="nearest")
    return _last_fall(along, distance)


def _last_fall(along: Floats, distance: Doubles) -> Doubles:
    """Find where values `(v, samples)` last fall through zero, linear between samples; `_LEAST` if they never do."""
    inside = along[:, :-1] > 0
    # The last crossing and not the first: a dent that the ray leaves and enters again would cut the cell short.
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    rows = np.arange(len(along))
    here, following = along[rows, last], along[rows, last + 1]
    part = here / np.where(here > following, here - following, 1.0)
    radii = distance[last] + (distance[1] - distance[0]) * np.clip(part, 0, 1)
    return np.where(inside.any(axis=1), np.maximum(radii, _LEAST), _LEAST)


@lru_cache(maxsize=2)
def _sphere(max_degree: int) -> tuple[Doubles, Doubles]:
    """Spread directions `(v, 3)`, (x, y, z), evenly; with the least-squares inverse of the harmonics there `(k, v)`."""
    directions = np.array(trimesh.creation.icosphere(subdivisions=_SUBDIVISIONS).vertices)
    return directions, np.linalg.pinv(real_harmonics(directions, max_degree))
