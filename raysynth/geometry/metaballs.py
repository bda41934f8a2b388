"""Metaballs: smooth unions of balls, shapes that need not be star-shaped.

A ball of radius R about c has s(x) = 1 - |x - c|² / R²; the body is where F(x) = log(sum_j exp(k s_j(x))) / k is
positive. Balls in a clump give lobes, balls along an arc give a bent rod.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from raysynth.base.arrays import Doubles
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.silhouettes import soft_masks
from raysynth.geometry.stars import FILL, JITTER

BALLS = 5
"""Balls of a body at most."""

_SHARPNESS = 5.0
"""k: the larger, the sharper are the creases between balls."""

_LOOK = 40
"""Samples along a side of the cube in which the bounding box is found."""

# Not 0, which would be divided by. Absent balls lie at the first one's middle, where nothing is seen of them.
_NOWHERE = 1e-2
"""Radius of a ball that is not there."""


@dataclass(frozen=True)
class Metaballs:
    """A batch of `b` bodies, each of up to `BALLS` balls.

    Attributes
    ----------
    centres
        Centres of the balls `(b, BALLS, 3)`, (x, y, z).
    radii
        Their radii `(b, BALLS)`; absent balls are negligibly small.
    extent
        Size of the bounding box along x, y and z `(b, 3)`. The box is centred in the cube.
    """

    centres: Tensor
    radii: Tensor
    extent: Tensor

    @property
    def height(self) -> Tensor:
        """Extent along z, `(b,)`, in units of the cube (whose side is 2)."""
        return self.extent[:, 2]

    def fields(self, side: int) -> Tensor:
        """Fill the cube with F.

        exp(k s_j) = exp(k) exp(-k dx² / R²) exp(-k dy² / R²) exp(-k dz² / R²) is a product over the axes. So a grid of
        n³ points needs 3 n exponentials per ball, and the sum over balls is one product of tensors.

        Parameters
        ----------
        side
            Voxels along a side.

        Returns
        -------
        Tensor
            Fields `(b, z, y, x)`, positive inside.
        """
        along = pixel_centres(side).to(self.radii)
        x, y, z = (self._bells(along - self.centres[..., axis, None]) for axis in range(3))
        return self._union(torch.einsum("bjz,bjy,bjx,bj->bzyx", z, y, x, torch.ones_like(self.radii)))

    def soft_views(self, cameras: Tensor, side: int, truncation_px: float) -> Tensor:
        """Draw the soft masks that cameras see, from the largest F along every pixel's ray.

        In a camera's own axes the product above holds too, so every ray is a sum over balls of image(ball) depth(ball).

        Parameters
        ----------
        cameras
            Cameras `(n, 3, 3)`.
        side
            Pixels along a side of the images.
        truncation_px
            Distance in pixels that becomes 1.

        Returns
        -------
        Tensor
            Signed distances over `truncation_px` `(b, n, side, side)`, positive inside, clamped to [-1, 1].
        """
        along = pixel_centres(side).to(self.radii)
        seen = []
        for camera in cameras:
            u, v, w = (self._bells(along - (self.centres @ axis)[..., None]) for axis in camera)
            image = torch.einsum("bjv,bju->bvuj", v, u)
            depths = torch.matmul(image.flatten(1, 2), w[..., ::2])  # every other depth will do
            seen.append(self._union(depths.amax(dim=-1).unflatten(1, (side, side))))
        return soft_masks(torch.stack(seen, dim=1), truncation_px)

    def _bells(self, distance: Tensor) -> Tensor:
        """Compute exp(-k distance² / R²) `(b, j, n)`."""
        return (-_SHARPNESS * (distance / self.radii[..., None]).square()).exp()

    def _union(self, bells: Tensor) -> Tensor:
        """Compute F = log(sum exp(k - k d² / R²)) / k = 1 + log(sum of bells) / k."""
        # Far from all balls every bell underflows to 0, whose logarithm would be infinite.
        return 1 + bells.clamp(min=1e-12).log() / _SHARPNESS


def draw_metaballs(
    rngs: Sequence[Generator], bent: bool | None = None, device: torch.device | str = "cpu"
) -> Metaballs:
    """Draw random bodies.

    Parameters
    ----------
    rngs
        One generator per body.
    bent
        True: bent rods. False: clumps. None: either with equal chance.
    device
        Where the tensors go.

    Returns
    -------
    Metaballs
        As many bodies as generators.
    """
    # Drawn on the CPU in double precision, one generator per body: equal on every device and in every batch.
    drawn = [_draw_one(rng, bent) for rng in rngs]
    centres, radii, fills = (torch.from_numpy(np.stack(parts)).float().to(device) for parts in zip(*drawn, strict=True))
    unit = Metaballs(centres, radii, torch.zeros(len(rngs), 3, device=device))
    low, high = _box(unit)
    # The box is found first and scaled after: balls overlap, so no formula gives their common extent.
    scale = 2 * FILL * fills / (high - low).amax(dim=1)
    middle = (low + high) / 2
    return Metaballs(
        centres=(centres - middle[:, None]) * scale[:, None, None],
        radii=torch.where(radii > _NOWHERE, radii * scale[:, None], radii),
        extent=(high - low) * scale[:, None],
    )


def _draw_one(rng: Generator, bent: bool | None) -> tuple[Doubles, Doubles, np.float64]:
    """Draw centres `(BALLS, 3)` and radii `(BALLS,)` inside the cube, and what is filled as a fraction of `FILL`."""
    rod = bool(rng.integers(2)) if bent is None else bent
    centres, radii = _rod(rng) if rod else _clump(rng)
    return centres @ _turn(rng).T, radii, np.float64(rng.uniform(*JITTER))


def _rod(rng: Generator) -> tuple[Doubles, Doubles]:
    """Place equal balls along an arc of 60 to 200 degrees."""
    arc, thickness = math.radians(rng.uniform(60, 200)), rng.uniform(0.75, 1.1)
    angle = np.linspace(-arc / 2, arc / 2, BALLS)
    # By arc length, so that a strongly bent rod is not longer than a straight one.
    length = 0.45  # half of the rod, straightened
    centres = (2 * length / arc) * np.stack([np.sin(angle), np.cos(angle) - 1, 0 * angle], axis=1)
    return centres, np.full(BALLS, 0.3 * thickness)


def _clump(rng: Generator) -> tuple[Doubles, Doubles]:
    """Place 2 to 5 balls, each touching one before it."""
    count = int(rng.integers(2, BALLS + 1))
    radii = np.full(BALLS, _NOWHERE)
    radii[:count] = 0.3 * np.exp(rng.uniform(-0.4, 0.2, count))
    centres = np.zeros((BALLS, 3))
    for ball in range(1, count):
        near = int(rng.integers(ball))
        direction = rng.standard_normal(3)
        # Below the sum of both radii, so that balls overlap and the body stays in one piece.
        distance = rng.uniform(0.7, 1.15) * max(radii[ball], radii[near])
        centres[ball] = centres[near] + direction / np.linalg.norm(direction) * distance
    return centres - centres[:count].mean(axis=0), radii


def _turn(rng: Generator) -> Doubles:
    """Draw a uniformly random rotation.

    The orthogonal factor Q of a matrix of normal values is uniform once its signs make the diagonal of R positive
    (Mezzadri, 2007). Times its determinant, a reflection becomes a rotation.
    """
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


def _box(balls: Metaballs) -> tuple[Tensor, Tensor]:
    """Find the least and largest (x, y, z), both `(b, 3)`, to a fraction of a sample."""
    field = balls.fields(_LOOK)
    # The largest value over the other two axes is positive exactly where the body reaches.
    profiles = [field.amax(dim=over) for over in ((1, 2), (1, 3), (2, 3))]
    low = torch.stack([_first_zero(profile) for profile in profiles], dim=1)
    high = torch.stack([-_first_zero(profile.flip(1)) for profile in profiles], dim=1)
    return low, high


def _first_zero(profile: Tensor) -> Tensor:
    """Find the coordinate `(b,)` at which profiles `(b, n)` along an axis of the cube first rise through zero."""
    first = (profile > 0).to(torch.uint8).argmax(dim=1, keepdim=True)
    here, before = profile.gather(1, first), profile.gather(1, (first - 1).clamp(min=0))
    # A profile that begins inside has no sample before: the distance back is held at one step.
    back = (here / (here - before).clamp(min=1e-6)).clamp(max=1.0)
    return (pixel_centres(_LOOK).to(profile)[first] - back * (2 / _LOOK))[:, 0]
