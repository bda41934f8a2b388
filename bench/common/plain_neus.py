"""NeuS in the paper's own loop, one cell at a time: what the batched fit of `raysynth.surfaces.fitting` is up against.

The same network, started as a sphere: every sample of random rays goes through autograd, so does the gradient of the
eikonal term (twice), and the masks say inside or outside only. Imported by `geometry.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.config import SurfaceConfig
from raysynth.surfaces.fitting import Surfaces
from raysynth.surfaces.neus import SdfNetworks

STEPS = 300
RAYS = 256
SAMPLES = 24
RADIUS = 0.5
LEARNING_RATE = 5e-3
EIKONAL = 0.1


def fit_plain(views: Tensor, cameras: Tensor, config: SurfaceConfig) -> Surfaces:
    """The surface of one cell whose soft masks are `views` `(n, s, s)`."""
    ball = torch.eye(3)[None] / RADIUS
    networks = SdfNetworks(torch.zeros(1, 3), ball, config.hidden, config.layers, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(networks.parameters(), lr=LEARNING_RATE)
    rng = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        points, inside = random_rays(views, cameras, rng)
        optimiser.zero_grad()
        loss(networks, points, inside).backward()
        optimiser.step()
    return Surfaces(networks.requires_grad_(False))


def random_rays(views: Tensor, cameras: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Stratified points `(RAYS, SAMPLES, 3)` along the rays of random pixels, and whether these lie inside the mask."""
    n, side, _ = views.shape
    pixel = torch.randint(n * side**2, (RAYS,), generator=rng)
    axes = cameras[pixel // side**2]
    uv = (torch.stack([pixel % side, pixel // side % side], dim=-1) + 0.5) * (2 / side) - 1
    depth = (torch.arange(SAMPLES) + torch.rand(RAYS, SAMPLES, generator=rng)) * (2 / SAMPLES) - 1
    origin = torch.einsum("rk,rkj->rj", uv, axes[:, :2])
    return origin[:, None] + depth[..., None] * axes[:, None, 2], views.flatten()[pixel] > 0


def loss(networks: SdfNetworks, points: Tensor, inside: Tensor) -> Tensor:
    """Cross-entropy of the accumulated opacity (Eq. 13) and the eikonal term, all by autograd."""
    x = points.reshape(1, -1, 3).requires_grad_()
    sdf = networks(x)
    (gradient,) = torch.autograd.grad(sdf.sum(), x, create_graph=True)
    phi = torch.sigmoid(networks.sharpness * sdf).reshape(RAYS, SAMPLES)
    alpha = ((phi[:, :-1] - phi[:, 1:]) / (phi[:, :-1] + 1e-5)).clamp(min=0)
    opacity = (1 - (1 - alpha).prod(dim=1)).clamp(1e-4, 1 - 1e-4)
    eikonal = ((gradient.norm(dim=-1) - 1) ** 2).mean()
    return F.binary_cross_entropy(opacity, inside.float()) + EIKONAL * eikonal
