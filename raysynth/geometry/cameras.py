"""Orthographic cameras around a cell.

A cell lives in the cube [-1, 1]^3, coordinates in the order (x, y, z). A camera is a rotation `R` (3, 3) whose rows are
the view's right, down and forward axes: a point `X` is seen at `(u, v) = (R[0] X, R[1] X)` and at depth `R[2] X`.
Camera 0 is always the conditioning camera: it looks along z, its `u` is x and its `v` is y, so its image is the cell's
mask.
"""

import math
from typing import Literal

import torch
from torch import Tensor


def _look_along(forward: Tensor) -> Tensor:
    """Make rotations `(n, 3, 3)` whose third rows are the unit vectors `forward` `(n, 3)`."""
    # The x axis is the reference for "right", unless the camera looks along it; the sideways view keeps z downwards.
    up = torch.zeros_like(forward)
    up[:, 2] = 1.0
    up[forward[:, 2].abs() > 1 - 1e-6] = torch.tensor([0.0, 1.0, 0.0], dtype=up.dtype)
    right = torch.linalg.cross(up, forward)
    right = right / right.norm(dim=1, keepdim=True)
    down = torch.linalg.cross(forward, right)
    return torch.stack([right, down, forward], dim=1)


def _spread(count: int) -> Tensor:
    """Spread cameras over the upper hemisphere by the Fibonacci lattice, the first along z.

    Equal steps of cos(theta) cut the sphere into rings of equal area (Archimedes). Steps of the azimuth by the golden
    angle, pi (3 - sqrt 5), never come near an earlier azimuth, so the points lie evenly (Gonzalez, 2010).
    """
    # From the pole, not half a step below it: the first camera must look along z.
    i = torch.arange(count, dtype=torch.float64)
    cos_theta = 1 - i / count
    sin_theta = (1 - cos_theta**2).sqrt()
    azimuth = i * math.pi * (3 - math.sqrt(5))
    forward = torch.stack([sin_theta * azimuth.cos(), sin_theta * azimuth.sin(), cos_theta], dim=1)
    return _canonical(forward)


def _ring(count: int, elevation_deg: float = 30.0) -> Tensor:
    """Place one camera along z, the others at one elevation above the horizon and equal azimuths (SyncDreamer)."""
    azimuth = torch.arange(count - 1, dtype=torch.float64) * (2 * math.pi / (count - 1))
    elevation = torch.full_like(azimuth, math.radians(elevation_deg))
    around = torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()], dim=1)
    along_z = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    return _canonical(torch.cat([along_z, around]))


def _canonical(forward: Tensor) -> Tensor:
    """Make single-precision cameras; the first one's axes are exactly those of the cube."""
    cameras = _look_along(forward)
    cameras[0] = torch.eye(3, dtype=torch.float64)
    return cameras.float()


def layout(name: Literal["spread", "ring"], count: int) -> Tensor:
    """Place cameras around a cell.

    Parameters
    ----------
    name
        `spread`: evenly over the upper hemisphere. `ring`: one along z, the others at an elevation of 30°.
    count
        Number of cameras.

    Returns
    -------
    Tensor
        Cameras `(count, 3, 3)`, float32; the first looks along z.
    """
    return _spread(count) if name == "spread" else _ring(count)


def pixel_centres(side: int) -> Tensor:
    """Give the coordinates of pixels along a side of the cube.

    Parameters
    ----------
    side
        Number of pixels.

    Returns
    -------
    Tensor
        Their centres in [-1, 1], float32.
    """
    return (torch.arange(side, dtype=torch.float32) + 0.5) * (2 / side) - 1
