"""Fitting NeuS surfaces to the views of many cells, and reading them out on any grid.

The random numbers of a step are the same for every cell and depend on the step alone; each cell maps them to rays
through its own masks. A cell's surface therefore does not depend on which other cells share its batch.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.cascade.neus import SdfNetworks, eikonal_loss, log_transmittance, mask_loss, turning_points
from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import pixel_centres

_WARMUP = 20
_BETAS = (0.9, 0.95)
_KEPT = 2
_UNIFORM = 0.05
_CHUNK = 1 << 15


@dataclass(frozen=True)
class Surfaces:
    """Fitted surfaces of a batch of cells."""

    networks: SdfNetworks

    def __len__(self) -> int:
        return self.networks.count

    @torch.no_grad()
    def on_grid(self, cell: int, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """One cell's field `(z, y, x)`, positive inside, at voxel centres `z`, `y` and `x` in cube coordinates.

        The network is asked at each voxel, whatever the spacing, so nothing is interpolated; memory stays bounded.
        """
        network = self.networks.select(cell)
        device = network.log_sharpness.device
        z, y, x = torch.meshgrid(z.to(device), y.to(device), x.to(device), indexing="ij")
        points = torch.stack([x, y, z], dim=-1).reshape(1, -1, 3)
        field = torch.cat([-network(some)[0] for some in points.split(_CHUNK, dim=1)])
        return field.reshape(z.shape)

    def fields(self, side: int) -> Tensor:
        """Fields `(b, side, side, side)` over the cube, as `geometry.silhouettes.project` takes them."""
        centres = pixel_centres(side)
        return torch.stack([self.on_grid(cell, centres, centres, centres) for cell in range(len(self))])


def fit(views: Tensor, cameras: Tensor, config: SurfaceConfig, conditioning: Tensor | None = None) -> Surfaces:
    """Surfaces of `b` cells whose projections match their views.

    views: soft masks `(b, n, s, s)`, positive inside; only their zero lines matter, found to a fraction of a pixel.
    cameras: `(n, 3, 3)`. conditioning: soft masks `(b, t, t)`, t >= s, that take the place of view 0.
    A batch is cut or padded to one size by the caller: results are reproducible for equal batch shapes.
    """
    masks = views if conditioning is None else _with_conditioning(views, conditioning)
    rays = _Rays(masks, cameras, config)
    networks = SdfNetworks(len(views), config.hidden, torch.Generator().manual_seed(0)).to(views.device)
    optimiser = torch.optim.Adam(networks.parameters(), lr=config.learning_rate, betas=_BETAS, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, config.steps))
    for step in range(config.steps):
        optimiser.zero_grad(set_to_none=True)
        # Cells share no weights, so the sum of their losses is as good as a loop over cells.
        _loss(networks, rays, config, step).sum().backward()
        optimiser.step()
        schedule.step()
    return Surfaces(networks.requires_grad_(False))


def _with_conditioning(views: Tensor, conditioning: Tensor) -> Tensor:
    finer = F.interpolate(views, size=conditioning.shape[-2:], mode="bilinear", align_corners=False)
    finer[:, 0] = conditioning
    return finer


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate: linear warm-up, cosine decay to a twentieth."""
    return min(1.0, (step + 1) / _WARMUP) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))


class _Rays:
    """Draws rays and samples on them, mostly near each cell's own outlines."""

    def __init__(self, masks: Tensor, cameras: Tensor, config: SurfaceConfig) -> None:
        self.masks, self.cameras, self.config = masks, cameras.to(masks), config
        # On the CPU because a cumulative sum is not deterministic on every device.
        density = (_UNIFORM + (1 - masks.abs()) ** 2).flatten(2).double().cpu()
        density = density / density.sum(dim=2, keepdim=True)
        self.cumulative = density.flatten(1).cumsum(dim=1).to(masks.device)

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """What one step looks at.

        Points `(b, rays, samples, 3)` along rays, whether each ray lies inside its mask `(b, rays)`, and points
        `(1, rays, 3)` anywhere in the cube.
        """
        count, samples = self.config.rays, self.config.samples
        rng = torch.Generator().manual_seed(step)
        which = (torch.arange(count) + torch.rand(count, generator=rng, dtype=torch.float64)) / count
        within = torch.rand(count, 2, generator=rng) - 0.5
        depth = (torch.arange(samples) + torch.rand(count, samples, generator=rng)) * (2 / samples) - 1
        anywhere = torch.rand(1, count, 3, generator=rng) * 2 - 1
        which, within, depth, anywhere = (t.to(self.masks.device) for t in (which, within, depth, anywhere))
        view, uv = self._pixels(which, within)
        return self._along(view, uv, depth), self._inside(view, uv), anywhere

    def _pixels(self, which: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """Each cell's views `(b, rays)` and image positions `(b, rays, 2)`.

        which: `(rays,)`, shares of the cumulative density; within: `(rays, 2)`, offsets from the pixel's centre.
        """
        n, height, width = self.masks.shape[1:]
        total = self.cumulative[:, -1:]
        index = torch.searchsorted(self.cumulative, which * total).clamp(max=n * height * width - 1)
        row, column = index // width % height, index % width
        pixel = torch.stack([column, row], dim=-1) + 0.5 + within
        return index // (height * width), pixel * (2 / width) - 1

    def _along(self, view: Tensor, uv: Tensor, depth: Tensor) -> Tensor:
        right_down = torch.einsum("brk,brkj->brj", uv, self.cameras[view, :2])
        return right_down[:, :, None] + depth[..., None] * self.cameras[view, 2][:, :, None]

    def _inside(self, view: Tensor, uv: Tensor) -> Tensor:
        # Views are the slices of a volume; a coordinate in the middle of a slice reads that view alone.
        n = self.masks.shape[1]
        at = torch.cat([uv, ((view + 0.5) * (2 / n) - 1)[..., None]], dim=-1)
        seen = F.grid_sample(self.masks[:, None], at[:, None, None], padding_mode="border", align_corners=False)
        return seen[:, 0, 0, 0] > 0


def _loss(networks: SdfNetworks, rays: _Rays, config: SurfaceConfig, step: int) -> Tensor:
    """Mask and eikonal terms `(b,)` of one step."""
    points, inside, anywhere = rays(step)
    points, turns = _turns(networks, points)
    b, r, k, _ = points.shape
    sdf = networks(points.reshape(b, r * k, 3)).reshape(b, r, k)
    log_t = log_transmittance(sdf, turns, networks.sharpness)
    gradient = networks.gradient(anywhere.expand(b, -1, -1))
    return mask_loss(log_t, inside) + config.eikonal * eikonal_loss(gradient)


@torch.no_grad()
def _turns(networks: SdfNetworks, points: Tensor) -> tuple[Tensor, Tensor]:
    """The turning points that weigh most on each ray, `(b, rays, kept, 3)`, and their signs `(b, rays, kept)`.

    All samples are looked at without a graph; only these few are evaluated again with one, which is what makes it fast.
    """
    b, r, samples, _ = points.shape
    sdf = networks(points.reshape(b, -1, 3)).reshape(b, r, samples)
    turns = turning_points(sdf)
    weight = turns.abs() * F.softplus(-networks.sharpness * sdf)
    chosen = weight.topk(_KEPT, dim=-1).indices
    kept = torch.gather(points, 2, chosen[..., None].expand(-1, -1, -1, 3))
    return kept, torch.gather(turns, 2, chosen)
