"""Star-shaped surfaces from real spherical harmonics: the endless data set that SyncDreamer learns shape from.

A surface is r(d) = e(d) exp(sum_lm c_lm Y_lm(d)): an ellipsoid e of random height, elongation and orientation in the
plane, roughened by harmonics of degree 2 and up whose amplitude falls as a power of the degree. Every surface is
centred by its bounding box and fills the cube [-1, 1]^3 up to `FILL`, give or take a little, along its longest side.
That is how the cascade frames a cell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
import trimesh
from numpy.random import Generator
from numpy.typing import NDArray
from pyshtools.legendre import PlmON
from torch import Tensor

from raysynth.config import ShapesConfig
from raysynth.geometry.cameras import pixel_centres

FILL = 0.85
"""Share of the cube that the larger of a cell's width and height spans."""

_JITTER = (0.94, 1.04)
_ROUGHNESS = (0.25, 1.0)
_SUBDIVISIONS = 4


@dataclass(frozen=True)
class Shapes:
    """A batch of `b` star-shaped surfaces.

    coefficients: `(b, k)`, of degrees 2..max_degree, each from order -l to l, for orthonormal harmonics.
    metric: `(b, 3, 3)`, the ellipsoid {x : x' metric x = 1}.
    centre: `(b, 3)`, the (x, y, z) from which the surface is star-shaped.
    extent: `(b, 3)`, size of the bounding box along x, y and z; the box itself is centred in the cube.
    max_degree: the highest degree of the coefficients.
    """

    coefficients: Tensor
    metric: Tensor
    centre: Tensor
    extent: Tensor
    max_degree: int

    @property
    def height(self) -> Tensor:
        """Extent along z, `(b,)`, in units of the cube (whose side is 2)."""
        return self.extent[:, 2]


def draw(rngs: Sequence[Generator], config: ShapesConfig, device: torch.device | str = "cpu") -> Shapes:
    """One random surface from each generator.

    Height over width and length over breadth are log-uniform in the configured ranges; the harmonics' amplitude of
    degree l falls as l^-decay, and their root mean square over the sphere is a quarter of `power` to all of it.
    """
    parameters = [_draw_one(rng, config) for rng in rngs]
    coefficients, metric, fill = (
        torch.from_numpy(np.stack(column)).float().to(device) for column in zip(*parameters, strict=True)
    )
    return _framed(coefficients, metric, fill, config.max_degree)


def _draw_one(rng: Generator, config: ShapesConfig) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Coefficients `(k,)`, the ellipsoid's metric `(3, 3)` and the share of the cube that is filled."""
    ratio = math.exp(rng.uniform(*np.log(config.axial_ratio)))
    breadth = math.exp(-rng.uniform(0.0, math.log(config.elongation)))
    azimuth = rng.uniform(0.0, math.pi)
    cos, sin = math.cos(azimuth), math.sin(azimuth)
    axes = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    metric = axes.T @ np.diag([1.0, breadth**-2, ratio**-2]) @ axes
    roughness = rng.uniform(*_ROUGHNESS)
    coefficients = rng.standard_normal((config.max_degree + 1) ** 2 - 4) * _amplitudes(config) * roughness
    return coefficients, metric, FILL * rng.uniform(*_JITTER)


def _amplitudes(config: ShapesConfig) -> NDArray[np.float64]:
    """Standard deviation of each coefficient, so that the expected mean square over the sphere is `power`²."""
    degrees = np.arange(2, config.max_degree + 1, dtype=np.float64)
    falling = np.repeat(degrees**-config.decay, 2 * np.arange(2, config.max_degree + 1) + 1)
    return falling * config.power * math.sqrt(4 * math.pi) / np.linalg.norm(falling)


def _framed(coefficients: Tensor, metric: Tensor, fill: Tensor, max_degree: int) -> Shapes:
    """The surfaces scaled and centred by their bounding boxes."""
    directions = _sphere(_SUBDIVISIONS)
    d = torch.from_numpy(directions).to(coefficients)
    basis = torch.from_numpy(real_harmonics(directions, max_degree)).to(coefficients)
    points = _radius(coefficients, metric, d, basis)[..., None] * d
    low, high = points.amin(dim=1), points.amax(dim=1)
    scale = 2 * fill / (high - low).amax(dim=1)
    return Shapes(
        coefficients=coefficients,
        metric=metric / scale[:, None, None] ** 2,
        centre=-scale[:, None] * (low + high) / 2,
        extent=scale[:, None] * (high - low),
        max_degree=max_degree,
    )


def fields(shapes: Shapes, side: int) -> Tensor:
    """Fields `(b, z, y, x)` over the cube, positive inside: r(d) - |x|, the distance along the ray from the centre."""
    directions, distance, basis = _grid(side, shapes.max_degree, str(shapes.coefficients.device))
    radius = _radius(shapes.coefficients, shapes.metric, directions, basis)
    field = (radius - distance).reshape(-1, 1, side, side, side)
    # The harmonics are exact on the grid around each surface's own centre, where their values are constant; moving the
    # box to the middle of the cube is one linear resampling of a field that is nearly linear.
    shift = torch.eye(3, 4).to(field).repeat(len(field), 1, 1)
    shift[:, :, 3] = -shapes.centre
    points = F.affine_grid(shift, list(field.shape), align_corners=False)
    return F.grid_sample(field, points, padding_mode="border", align_corners=False)[:, 0]


def meshes(shapes: Shapes, subdivisions: int = _SUBDIVISIONS) -> list[trimesh.Trimesh]:
    """Closed triangle meshes of the surfaces in (x, y, z) coordinates of the cube."""
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions)
    directions = np.array(sphere.vertices)
    d = torch.from_numpy(directions).to(shapes.coefficients)
    basis = torch.from_numpy(real_harmonics(directions, shapes.max_degree)).to(shapes.coefficients)
    points = _radius(shapes.coefficients, shapes.metric, d, basis)[..., None] * d + shapes.centre[:, None]
    return [trimesh.Trimesh(p, sphere.faces, process=False) for p in points.cpu().double().numpy()]


def real_harmonics(directions: NDArray[np.float64], max_degree: int) -> NDArray[np.float64]:
    """Orthonormal real harmonics of degrees 2..max_degree at unit vectors `(v, 3)`: `(v, k)`, orders -l to l."""
    # Legendre functions depend on z alone, and symmetric grids repeat their heights many times.
    heights, where = np.unique(directions[:, 2].round(12), return_inverse=True)
    legendre = np.stack([PlmON(max_degree, z) for z in heights])[where.ravel()]
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for degree in range(2, max_degree + 1):
        for order in range(-degree, degree + 1):
            wave = np.sin(-order * azimuth) if order < 0 else np.cos(order * azimuth)
            columns.append(legendre[:, degree * (degree + 1) // 2 + abs(order)] * wave)
    return np.stack(columns, axis=1) if columns else np.empty((len(directions), 0))


def _radius(coefficients: Tensor, metric: Tensor, directions: Tensor, basis: Tensor) -> Tensor:
    """r(d) `(b, v)` at directions `(v, 3)` where the harmonics are `basis` `(v, k)`."""
    products = (directions[:, :, None] * directions[:, None, :]).reshape(-1, 9)
    ellipsoid = (metric.reshape(-1, 9) @ products.T).rsqrt()
    return ellipsoid * (coefficients @ basis.T).exp()


@lru_cache(maxsize=2)
def _sphere(subdivisions: int) -> NDArray[np.float64]:
    return np.array(trimesh.creation.icosphere(subdivisions=subdivisions).vertices)


@lru_cache(maxsize=4)
def _grid(side: int, max_degree: int, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Directions `(v, 3)`, distances `(v,)` and harmonics `(v, k)` of a cube's voxel centres, z slowest."""
    c = pixel_centres(side).double()
    z, y, x = torch.meshgrid(c, c, c, indexing="ij")
    points = torch.stack([x, y, z], dim=-1).reshape(-1, 3)
    distance = points.norm(dim=1)
    # An odd side has a voxel in the very middle, where any direction will do.
    directions = torch.where(distance[:, None] > 0, points, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    directions = F.normalize(directions, dim=1)
    basis = torch.from_numpy(real_harmonics(directions.numpy(), max_degree))
    return directions.float().to(device), distance.float().to(device), basis.float().to(device)
