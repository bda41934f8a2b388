"""What silhouettes say of a surface: rays near the outlines, how deep each must go and which way the surface faces.

Along an orthographic ray that passes an outline at a distance d, the least value of a signed distance is d itself, and
its gradient there is the outline's normal, turned into space. So each such ray gives a value and a normal, which fix a
surface far better than whether the ray hits.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.silhouettes import carve
from raysynth.surfaces.neus import SdfNetworks

_FOCUS = 8
"""Rays are drawn at a density of (1 - |m|)^_FOCUS of the soft masks m: most within half a pixel of an outline."""

_ANYWHERE = 0.001
"""Share of the density that lies evenly over the masks."""

_FIRST_VIEW = 3.0
"""How many times as many rays view 0 has."""

_SATURATED = 0.9
_LEAST_SLOPE = 0.2
"""Of the usual slope: a soft mask tells distances below _SATURATED, and away from its ridges."""
_REACH = 1.8
"""How far from its centre a cell may extend, in radii of its ellipsoid along each axis."""

COARSE = 32
"""Voxels along the cube in which the visual hull is looked at."""


@dataclass(frozen=True)
class Rays:
    """Rays `(b, r)` of each cell and what the masks say of them.

    origin, direction and normal: `(b, r, 3)`, the normal pointing out of the cell; distance: to the outline in units
    of the cube, negative inside; known: whether the mask tells distance and normal, and not only inside or outside;
    offset: `(r,)`, moves the samples of a ray by a share of their spacing.
    """

    origin: Tensor
    direction: Tensor
    normal: Tensor
    distance: Tensor
    inside: Tensor
    known: Tensor
    offset: Tensor


class Silhouettes:
    """Draws rays through the soft masks `(b, n, s, s)` of `cameras` `(n, 3, 3)`, mostly at their outlines.

    View 0, the conditioning mask, is exact where the others may be predictions: it gets more rays. All random numbers
    are drawn here, on the CPU, one set for all cells.
    """

    def __init__(self, masks: Tensor, cameras: Tensor, config: SurfaceConfig, draws: int) -> None:
        side = masks.shape[-1]
        self.cameras, self.side = cameras.to(masks), side
        density = (_ANYWHERE + (1 - masks.abs()) ** _FOCUS).double()
        density[:, 0] *= _FIRST_VIEW
        # On the CPU because a cumulative sum is not deterministic on every device.
        self.cumulative = density.flatten(1).cpu().cumsum(dim=1).to(masks.device)
        slopes = torch.gradient(masks, spacing=2 / side, dim=(-1, -2))
        self.maps = torch.stack([masks, *slopes], dim=1)
        rng = torch.Generator().manual_seed(0)
        which = torch.arange(config.rays) + torch.rand(draws, config.rays, generator=rng, dtype=torch.float64)
        self.which = (which / config.rays).to(masks.device)
        self.within = torch.rand(draws, config.rays, 2, generator=rng).to(masks.device)
        self.offsets = torch.rand(draws, config.rays, generator=rng).to(masks.device)

    def draw(self, number: int) -> Rays:
        """The `number`-th set of rays."""
        view, uv = self._pixels(self.which[number], self.within[number])
        mask, slope = self._read(view, uv)
        steepness = slope.norm(dim=-1)
        # The median, by a sort because that is deterministic on every device, gives the masks' truncation.
        usual = steepness.sort(dim=-1).values[:, [steepness.shape[-1] // 2]].clamp(min=1e-6)
        axes = self.cameras[view]
        return Rays(
            origin=(uv[..., None] * axes[..., :2, :]).sum(dim=-2),
            direction=axes[..., 2, :],
            normal=-(F.normalize(slope, dim=-1)[..., None] * axes[..., :2, :]).sum(dim=-2),
            distance=-mask / usual,
            inside=mask > 0,
            known=(mask.abs() < _SATURATED) & (steepness > _LEAST_SLOPE * usual),
            offset=self.offsets[number],
        )

    def _pixels(self, which: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """Each cell's views `(b, r)` and image positions `(b, r, 2)`.

        which: `(r,)`, shares of the cumulative density; within: `(r, 2)`, positions in the pixel.
        """
        side, total = self.side, self.cumulative[:, -1:]
        index = torch.searchsorted(self.cumulative, which * total).clamp(max=self.cumulative.shape[1] - 1)
        pixel = torch.stack([index % side, index // side % side], dim=-1) + within
        return index // side**2, pixel * (2 / side) - 1

    def _read(self, view: Tensor, uv: Tensor) -> tuple[Tensor, Tensor]:
        """The masks `(b, r)` at image positions and their slopes `(b, r, 2)`, per unit of the cube."""
        # Views are the slices of a volume; a coordinate in the middle of a slice reads that view alone.
        at = torch.cat([uv, ((view + 0.5) * (2 / len(self.cameras)) - 1)[..., None]], dim=-1)
        seen = F.grid_sample(self.maps, at[:, None, None], padding_mode="border", align_corners=False)[:, :, 0, 0]
        return seen[:, 0], seen[:, 1:].mT


def ellipsoids(masks: Tensor, cameras: Tensor) -> tuple[Tensor, Tensor]:
    """Centres `(b, 3)` and frames `(b, 3, 3)` of the ellipsoids with the second moments of each cell's visual hull."""
    hull = carve(masks, cameras, COARSE)
    # Edge voxels count by their share; the floor gives a cell that is nowhere seen the cube's own moments.
    share = (4 * hull + 0.5).clamp(1e-6, 1).reshape(len(masks), -1).double().cpu()
    c = pixel_centres(COARSE).double()
    z, y, x = torch.meshgrid(c, c, c, indexing="ij")
    points = torch.stack([x, y, z], dim=-1).reshape(-1, 3)
    share = share / share.sum(dim=1, keepdim=True)
    centre = share @ points
    products = (points[:, :, None] * points[:, None, :]).reshape(-1, 9)
    covariance = (share @ products).reshape(-1, 3, 3) - centre[:, :, None] * centre[:, None, :]
    # A uniform ellipsoid's variance along an axis is a fifth of its squared radius.
    values, vectors = torch.linalg.eigh(5 * covariance)
    frame = vectors * values.clamp(min=(2 / COARSE) ** 2).rsqrt()[:, None] @ vectors.mT
    return centre.to(masks), frame.to(masks)


@torch.no_grad()
def deepest(networks: SdfNetworks, rays: Rays, samples: int) -> Tensor:
    """The points `(b, r, 3)` where each ray is deepest in its cell, or passes it nearest.

    Looks at `samples` points a ray, within reach of the cell's ellipsoid, and refines the least by a parabola.
    """
    b, r, _ = rays.origin.shape
    start, along = networks.local(rays.origin), torch.bmm(rays.direction, networks.frame)
    square = along.square().sum(dim=-1)
    middle = -(start * along).sum(dim=-1) / square
    beside = (start + middle[..., None] * along).square().sum(dim=-1)
    half = ((_REACH**2 - beside).clamp(min=0.3) / square).sqrt()
    steps = (torch.arange(samples, device=half.device) + rays.offset[:, None]) * (2 / samples) - 1
    depth = middle[..., None] + half[..., None] * steps
    points = rays.origin[:, :, None] + depth[..., None] * rays.direction[:, :, None]
    sdf = networks(points.reshape(b, -1, 3)).reshape(b, r, samples)
    least = sdf.argmin(dim=-1, keepdim=True).clamp(1, samples - 2)
    before, here, after = (sdf.gather(2, least + i)[..., 0] for i in (-1, 0, 1))
    bend = (before - 2 * here + after).clamp(min=1e-6)
    shift = ((before - after) / (2 * bend)).clamp(-1, 1) * half * (2 / samples)
    return rays.origin + (depth.gather(2, least)[..., 0] + shift)[..., None] * rays.direction
