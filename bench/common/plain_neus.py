"""NeuS in the paper's own loop, one cell at a time: the reference of the batched fit of `raysynth.surfaces.fitting`.

The same network, started as a sphere. Every sample of random rays goes through autograd, and so does the gradient of
the eikonal term (twice). The masks say inside or outside only.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.config import SurfaceConfig
from raysynth.surfaces.fitting import Surfaces
from raysynth.surfaces.neus import SdfNetworks

_STEPS, _LEARNING_RATE = 300, 5e-3
_RAYS, _SAMPLES = 256, 24
_RADIUS, _EIKONAL_WEIGHT = 0.5, 0.1


def fit_plain(views: Tensor, cameras: Tensor, config: SurfaceConfig) -> Surfaces:
    """Fit the surface of one cell.

    Parameters
    ----------
    views
        Soft masks `(n, s, s)`, positive inside.
    cameras
        Axes of each view `(n, 3, 3)`.
    config
        Size of the network.

    Returns
    -------
    Surfaces
        Of one cell.

    Notes
    -----
    Opacity along a ray is Eq. 13 of Wang et al. (NeurIPS 2021).
    """
    ball = torch.eye(3)[None] / _RADIUS
    networks = SdfNetworks(torch.zeros(1, 3), ball, config.hidden, config.layers, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(networks.parameters(), lr=_LEARNING_RATE)
    rng = torch.Generator().manual_seed(0)
    for _ in range(_STEPS):
        points, inside = _random_rays(views, cameras, rng)
        optimiser.zero_grad()
        _loss(networks, points, inside).backward()
        optimiser.step()
    return Surfaces(networks.requires_grad_(False))


def _random_rays(views: Tensor, cameras: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw stratified points `(_RAYS, _SAMPLES, 3)` along rays of random pixels; say which pixels the mask holds."""
    n, side, _ = views.shape
    pixel = torch.randint(n * side**2, (_RAYS,), generator=rng)
    axes = cameras[pixel // side**2]
    uv = (torch.stack([pixel % side, pixel // side % side], dim=-1) + 0.5) * (2 / side) - 1
    depth = (torch.arange(_SAMPLES) + torch.rand(_RAYS, _SAMPLES, generator=rng)) * (2 / _SAMPLES) - 1
    origin = torch.einsum("rk,rkj->rj", uv, axes[:, :2])
    return origin[:, None] + depth[..., None] * axes[:, None, 2], views.flatten()[pixel] > 0


def _loss(networks: SdfNetworks, points: Tensor, inside: Tensor) -> Tensor:
    """Compute the cross-entropy of the accumulated opacity (Eq. 13) and the eikonal term, all by autograd."""
    x = points.reshape(1, -1, 3).requires_grad_()
    sdf = networks(x)
    (gradient,) = torch.autograd.grad(sdf.sum(), x, create_graph=True)
    phi = torch.sigmoid(networks.sharpness * sdf).reshape(_RAYS, _SAMPLES)
    alpha = ((phi[:, :-1] - phi[:, 1:]) / (phi[:, :-1] + 1e-5)).clamp(min=0)
    opacity = (1 - (1 - alpha).prod(dim=1)).clamp(1e-4, 1 - 1e-4)
    eikonal = ((gradient.norm(dim=-1) - 1) ** 2).mean()
    return F.binary_cross_entropy(opacity, inside.float()) + _EIKONAL_WEIGHT * eikonal
