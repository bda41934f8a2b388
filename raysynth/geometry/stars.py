"""Star-shaped surfaces from real spherical harmonics: the endless data set that SyncDreamer learns shape from.

A surface is r(d) = scale * e(d) * exp(sum_lm c_lm Y_lm(d)), where e is a spheroid about z that brings height over width
to what is asked for. Every surface is centred by its bounding box, and the larger of its height and width fills the
cube [-1, 1]^3 up to `FILL`, give or take a little.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.harmonics import real_harmonics
from raysynth.geometry.spectrum import Spectrum

FILL = 0.85
"""Share of the cube that the larger of a cell's width and height spans."""

JITTER = (0.94, 1.04)
"""Range of what is filled in training, as a share of `FILL`."""

GLOBE = (97, 193)
"""Latitudes and longitudes at which radii are tabulated: 1.9° apart, both poles and the date line twice."""


@dataclass(frozen=True)
class Stars:
    """A batch of `b` star-shaped surfaces.

    coefficients: `(b, (max_degree + 1)²)`, of log radius. stretch: `(b,)`, height over width of the spheroid e.
    scale: `(b,)`. centre: `(b, 3)`, the (x, y, z) from which the surface is star-shaped. extent: `(b, 3)`, size of the
    bounding box along x, y and z; the box itself is centred in the cube.
    """

    coefficients: Tensor
    stretch: Tensor
    scale: Tensor
    centre: Tensor
    extent: Tensor

    @property
    def height(self) -> Tensor:
        """Extent along z, `(b,)`, in units of the cube (whose side is 2)."""
        return self.extent[:, 2]

    def radii(self) -> Tensor:
        """R `(b, latitudes, longitudes)` as `on_globe` reads it."""
        return (self.scale[:, None] * _unscaled(self.coefficients, self.stretch)).unflatten(1, GLOBE)

    def fields(self, side: int) -> Tensor:
        """Fields `(b, z, y, x)` over the cube, positive inside: r(d) - |x|, the distance along the ray."""
        c = pixel_centres(side)
        # One by one: a cube's points take much room.
        return torch.stack([_on_grid(*shape, c, c, c) for shape in zip(self.radii(), self.centre, strict=True)])

    def on_grid(self, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """The same field `(z, y, x)` of a batch of one, at voxel centres `z`, `y` and `x` in cube coordinates."""
        return _on_grid(self.radii()[0], self.centre[0], z, y, x)


def _on_grid(radii: Tensor, centre: Tensor, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """r(d) - |x| `(z, y, x)` of one surface, from its radii over the globe and its centre (x, y, z)."""
    grid = torch.meshgrid(*(along.to(centre) for along in (z, y, x)), indexing="ij")
    points = torch.stack(grid[::-1], dim=-1) - centre
    seen = F.grid_sample(radii[None, None], on_globe(points).flatten(1, 2)[None], align_corners=True)
    return seen.reshape(grid[0].shape) - points.norm(dim=-1)


def on_globe(points: Tensor) -> Tensor:
    """Where the directions of points `(..., 3)` lie on a globe, `(..., 2)` as `grid_sample` takes it."""
    x, y, z = points.unbind(dim=-1)
    latitude = torch.atan2(z, torch.hypot(x, y))
    return torch.stack([torch.atan2(y, x) / math.pi, latitude / (math.pi / 2)], dim=-1)


def draw(
    rngs: Sequence[Generator],
    spectrum: Spectrum,
    aspect: tuple[float, float] = (0.9, 1.1),
    device: torch.device | str = "cpu",
) -> Stars:
    """One random surface from each generator; aspect: log-uniform range of height over width in the cube."""
    coefficients = torch.from_numpy(np.stack([spectrum.draw(rng) for rng in rngs])).float().to(device)
    aspects = [math.exp(rng.uniform(*np.log(aspect))) for rng in rngs]
    fills = [FILL * rng.uniform(*JITTER) for rng in rngs]
    return framed(coefficients, *(torch.tensor(values, device=device) for values in (aspects, fills)))


def framed(coefficients: Tensor, aspect: Tensor, fill: Tensor) -> Stars:
    """Surfaces with these coefficients `(b, k)`, in the middle of the cube.

    aspect: height over width `(b,)`, met to about a hundredth; fill: share of the cube that the larger spans `(b,)`.
    """
    stretch = torch.ones_like(aspect)
    for _ in range(2):  # stretching a surface that is no spheroid is not exact
        low, high = _box(coefficients, stretch)
        stretch = stretch * aspect * (high - low)[:, :2].amax(dim=1) / (high - low)[:, 2]
    low, high = _box(coefficients, stretch)
    scale = 2 * fill / (high - low).amax(dim=1)
    centre, extent = -scale[:, None] * (low + high) / 2, scale[:, None] * (high - low)
    return Stars(coefficients, stretch, scale, centre, extent)


def _box(coefficients: Tensor, stretch: Tensor) -> tuple[Tensor, Tensor]:
    """Least and largest (x, y, z) of unscaled surfaces, both `(b, 3)`."""
    directions, _ = globe(coefficients.shape[1], str(coefficients.device))
    points = _unscaled(coefficients, stretch)[..., None] * directions
    return points.amin(dim=1), points.amax(dim=1)


def _unscaled(coefficients: Tensor, stretch: Tensor) -> Tensor:
    """R / scale `(b, v)` over the globe."""
    directions, basis = globe(coefficients.shape[1], str(coefficients.device))
    squares = directions.square()
    spheroid = (squares[:, :2].sum(dim=1) + squares[:, 2] / stretch[:, None].square()).rsqrt()
    return spheroid * (coefficients @ basis.T).exp()


@lru_cache(maxsize=4)
def globe(columns: int, device: str) -> tuple[Tensor, Tensor]:
    """Directions `(v, 3)` and harmonics `(v, columns)` at even latitudes and longitudes, south and west first."""
    latitude = torch.linspace(-math.pi / 2, math.pi / 2, GLOBE[0], dtype=torch.float64)
    longitude = torch.linspace(-math.pi, math.pi, GLOBE[1], dtype=torch.float64)
    phi, azimuth = torch.meshgrid(latitude, longitude, indexing="ij")
    directions = torch.stack([phi.cos() * azimuth.cos(), phi.cos() * azimuth.sin(), phi.sin()], dim=-1).reshape(-1, 3)
    basis = torch.from_numpy(real_harmonics(directions.numpy(), math.isqrt(columns) - 1))
    return directions.float().to(device), basis.float().to(device)
