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
"""Fraction of the cube that the larger of a cell's width and height spans."""

JITTER = (0.94, 1.04)
"""Range of what is filled in training, as a fraction of `FILL`."""

GLOBE = (97, 193)
"""Latitudes and longitudes at which radii are tabulated: 1.9° apart, both poles and the date line twice."""


@dataclass(frozen=True)
class Stars:
    """A batch of `b` star-shaped surfaces.

    Attributes
    ----------
    coefficients
        Harmonics of log radius `(b, (max_degree + 1)²)`.
    stretch
        Height over width of the spheroid e `(b,)`.
    scale
        Factor of all radii `(b,)`.
    centre
        The point (x, y, z) from which each surface is star-shaped `(b, 3)`.
    extent
        Size of the bounding box along x, y and z `(b, 3)`. The box itself is centred in the cube.
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
        """Tabulate the radii over directions.

        Returns
        -------
        Tensor
            `(b, latitudes, longitudes)`, as `on_globe` finds directions in it.
        """
        return (self.scale[:, None] * _unscaled(self.coefficients, self.stretch)).unflatten(1, GLOBE)

    def fields(self, side: int) -> Tensor:
        """Fill the cube: r(d) - |x|, the distance to the surface along the ray from the centre.

        Parameters
        ----------
        side
            Voxels along a side.

        Returns
        -------
        Tensor
            Fields `(b, z, y, x)`, positive inside.
        """
        c = pixel_centres(side)
        # One by one: a cube's points take much room.
        return torch.stack([_on_grid(*shape, c, c, c) for shape in zip(self.radii(), self.centre, strict=True)])

    def on_grid(self, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Evaluate the same field of a batch of one on any grid.

        Parameters
        ----------
        z, y, x
            Voxel centres along each axis, in cube coordinates.

        Returns
        -------
        Tensor
            Field `(z, y, x)`.
        """
        return _on_grid(self.radii()[0], self.centre[0], z, y, x)


def _on_grid(radii: Tensor, centre: Tensor, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Evaluate r(d) - |x| `(z, y, x)` of one surface, from its radii over the globe and its centre (x, y, z)."""
    grid = torch.meshgrid(*(along.to(centre) for along in (z, y, x)), indexing="ij")
    points = torch.stack(grid[::-1], dim=-1) - centre
    # `align_corners`: the outermost samples of the globe are poles and date line themselves, at -1 and 1.
    seen = F.grid_sample(radii[None, None], on_globe(points).flatten(1, 2)[None], align_corners=True)
    return seen.reshape(grid[0].shape) - points.norm(dim=-1)


def on_globe(points: Tensor) -> Tensor:
    """Find where directions lie on a globe.

    Parameters
    ----------
    points
        Points `(..., 3)`, (x, y, z), of any length.

    Returns
    -------
    Tensor
        Longitude and latitude in [-1, 1] `(..., 2)`, as torch's `grid_sample` takes them.
    """
    x, y, z = points.unbind(dim=-1)
    # Not asin(z / |x|), which is coarse near the poles and has no value at the centre.
    latitude = torch.atan2(z, torch.hypot(x, y))
    return torch.stack([torch.atan2(y, x) / math.pi, latitude / (math.pi / 2)], dim=-1)


def draw_stars(
    rngs: Sequence[Generator],
    spectrum: Spectrum,
    aspect: tuple[float, float] = (0.9, 1.1),
    device: torch.device | str = "cpu",
) -> Stars:
    """Draw random surfaces.

    Parameters
    ----------
    rngs
        One generator per surface.
    spectrum
        Spectrum of the shapes.
    aspect
        Range of height over width in the cube, log-uniform.
    device
        Where the tensors go. Draws are the same on every device.

    Returns
    -------
    Stars
        As many surfaces as generators.
    """
    # Per generator: shape, then aspect, then fill. The order decides which shapes a seed gives.
    coefficients = torch.from_numpy(np.stack([spectrum.draw(rng) for rng in rngs])).float().to(device)
    aspects = [math.exp(rng.uniform(*np.log(aspect))) for rng in rngs]
    fills = [FILL * rng.uniform(*JITTER) for rng in rngs]
    return framed(coefficients, *(torch.tensor(values, device=device) for values in (aspects, fills)))


def framed(coefficients: Tensor, aspect: Tensor, fill: Tensor) -> Stars:
    """Frame surfaces in the middle of the cube.

    Parameters
    ----------
    coefficients
        Harmonics of log radius `(b, k)`.
    aspect
        Height over width `(b,)`: met to a hundredth by most surfaces, to a tenth by nearly all.
    fill
        Fraction of the cube that the larger of both spans `(b,)`.

    Returns
    -------
    Stars
        The surfaces.
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
    """Find the least and largest (x, y, z) of unscaled surfaces, both `(b, 3)`."""
    directions, _ = globe(coefficients.shape[1], str(coefficients.device))
    points = _unscaled(coefficients, stretch)[..., None] * directions
    return points.amin(dim=1), points.amax(dim=1)


def _unscaled(coefficients: Tensor, stretch: Tensor) -> Tensor:
    """Compute R / scale `(b, v)` over the globe.

    The spheroid (x² + y²) + z² / s² = 1 has the radius (d_x² + d_y² + d_z² / s²)^(-1/2) in direction d.
    """
    directions, basis = globe(coefficients.shape[1], str(coefficients.device))
    squares = directions.square()
    # The spheroid keeps its width and is stretched along z alone, so one factor moves one side of the aspect.
    spheroid = (squares[:, :2].sum(dim=1) + squares[:, 2] / stretch[:, None].square()).rsqrt()
    return spheroid * (coefficients @ basis.T).exp()


@lru_cache(maxsize=4)
def globe(columns: int, device: str) -> tuple[Tensor, Tensor]:
    """Tabulate directions and harmonics over a globe.

    Parameters
    ----------
    columns
        Number of harmonics, a square number.
    device
        Where the tensors go.

    Returns
    -------
    tuple of Tensor
        Directions `(v, 3)` and harmonics `(v, columns)` at even latitudes and longitudes, south and west first.
    """
    latitude = torch.linspace(-math.pi / 2, math.pi / 2, GLOBE[0], dtype=torch.float64)
    longitude = torch.linspace(-math.pi, math.pi, GLOBE[1], dtype=torch.float64)
    phi, azimuth = torch.meshgrid(latitude, longitude, indexing="ij")
    directions = torch.stack([phi.cos() * azimuth.cos(), phi.cos() * azimuth.sin(), phi.sin()], dim=-1).reshape(-1, 3)
    basis = torch.from_numpy(real_harmonics(directions.numpy(), math.isqrt(columns) - 1))
    return directions.float().to(device), basis.float().to(device)
