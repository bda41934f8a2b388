"""What silhouettes show of a surface: rays near the outlines, how deep each must go and which way the surface faces.

A ray of an orthographic camera is a point of its image. The least signed distance along it is the signed distance of
that point to the outline in the image: the point of the ray that is nearest to the surface sees its foot sideways, and
that foot is what the outline shows. So each ray near an outline gives a value, d, and a normal, that of the outline
turned into space. They fix a surface far better than whether the ray hits.
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
"""Rays are drawn at a density of (1 - |m|)^_FOCUS of the signed distances m: most within half a pixel of an outline."""

_ANYWHERE = 0.001
"""Part of the density that lies evenly over the masks, next to 1 at an outline."""

_FIRST_VIEW = 3.0
"""How many times as many rays view 0 has."""

_SATURATED = 0.9
"""Truncated signed distance up to which a mask shows a distance."""

_LEAST_SLOPE = 0.2
"""Fraction of the usual slope below which a mask has a ridge, where it shows no distance either."""

_REACH = 1.8
"""How far from its centre a cell may extend, in radii of its ellipsoid along each axis."""

COARSE = 32
"""Voxels along the cube in which the visual hull is looked at."""


@dataclass(frozen=True)
class Rays:
    """Rays of each cell and what the masks show of them.

    Attributes
    ----------
    origin, direction
        A point of each ray and its unit direction, `(b, r, 3)`, in the cube.
    normal
        Outward normal of the nearest outline, in space, `(b, r, 3)`.
    distance
        Signed distance to the outline in units of the cube, negative inside, `(b, r)`.
    inside
        Whether the ray meets the cell, `(b, r)`.
    known
        Whether the mask shows distance and normal, and not only inside or outside, `(b, r)`.
    offset
        Moves the samples of a ray by a fraction of their spacing, in [0, 1), `(r,)`.
    """

    origin: Tensor
    direction: Tensor
    normal: Tensor
    distance: Tensor
    inside: Tensor
    known: Tensor
    offset: Tensor


class Silhouettes:
    """Draws rays through the masks of cells, mostly at their outlines.

    View 0, the conditioning mask, is exact where the others may be predictions: it gets more rays. All random numbers
    are drawn here, on the CPU, one set for all cells.

    Parameters
    ----------
    masks
        Truncated signed distances `(b, n, s, s)` of every view, positive inside.
    cameras
        Rotations of the views `(n, 3, 3)`.
    config
        Settings of the surfaces: rays per draw.
    draws
        How many sets of rays.
    """

    def __init__(self, masks: Tensor, cameras: Tensor, config: SurfaceConfig, draws: int) -> None:
        side = masks.shape[-1]
        self.cameras, self.side = cameras.to(masks), side
        # float64: summed over all pixels in float32, the small densities away from outlines would be rounded off.
        density = (_ANYWHERE + (1 - masks.abs()) ** _FOCUS).double()
        density[:, 0] *= _FIRST_VIEW
        # On the CPU because a cumulative sum is not deterministic on every device.
        self.cumulative = density.flatten(1).cpu().cumsum(dim=1).to(masks.device)
        slopes = torch.gradient(masks, spacing=2 / side, dim=(-1, -2))
        self.maps = torch.stack([masks, *slopes], dim=1)
        rng = torch.Generator().manual_seed(0)
        # Stratified: one level in each of equal parts of [0, 1), so that every draw covers all of the outlines.
        which = torch.arange(config.rays) + torch.rand(draws, config.rays, generator=rng, dtype=torch.float64)
        self.which = (which / config.rays).to(masks.device)
        self.within = torch.rand(draws, config.rays, 2, generator=rng).to(masks.device)
        self.offsets = torch.rand(draws, config.rays, generator=rng).to(masks.device)

    def draw(self, number: int) -> Rays:
        """Give one set of rays.

        Parameters
        ----------
        number
            Which one, from 0.

        Returns
        -------
        Rays
            As many per cell as `config.rays`.
        """
        view, uv = self._pixels(self.which[number], self.within[number])
        mask, slope = self._read(view, uv)
        steepness = slope.norm(dim=-1)
        # The median, by a sort because that is deterministic on every device, gives the masks' truncation.
        usual = steepness.sort(dim=-1).values[:, [steepness.shape[-1] // 2]].clamp(min=1e-6)
        # Rows of a camera's rotation are its right, down and forward axes in space. A pixel (u, v) is seen along the
        # third one, and the mask's slope, which points inwards in the image, lies along the first two.
        axes = self.cameras[view]
        return Rays(
            origin=(uv[..., None] * axes[..., :2, :]).sum(dim=-2),
            direction=axes[..., 2, :],
            normal=-(F.normalize(slope, dim=-1)[..., None] * axes[..., :2, :]).sum(dim=-2),
            # The mask is a distance over an unknown truncation: over its usual slope, it is one in units of the cube.
            distance=-mask / usual,
            inside=mask > 0,
            known=(mask.abs() < _SATURATED) & (steepness > _LEAST_SLOPE * usual),
            offset=self.offsets[number],
        )

    def _pixels(self, which: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """Each cell's views `(b, r)` and image positions `(b, r, 2)`.

        which: `(r,)`, levels in [0, 1) at which the cumulative density is inverted; within: `(r, 2)`, positions in the
        pixel.
        """
        side, total = self.side, self.cumulative[:, -1:]
        index = torch.searchsorted(self.cumulative, which * total).clamp(max=self.cumulative.shape[1] - 1)
        pixel = torch.stack([index % side, index // side % side], dim=-1) + within
        return index // side**2, pixel * (2 / side) - 1

    def _read(self, view: Tensor, uv: Tensor) -> tuple[Tensor, Tensor]:
        """Read the masks `(b, r)` at image positions and their slopes `(b, r, 2)`, per unit of the cube."""
        # Views are the slices of a volume; a coordinate in the middle of a slice reads that view alone.
        at = torch.cat([uv, ((view + 0.5) * (2 / len(self.cameras)) - 1)[..., None]], dim=-1)
        seen = F.grid_sample(self.maps, at[:, None, None], padding_mode="border", align_corners=False)[:, :, 0, 0]
        return seen[:, 0], seen[:, 1:].mT


def ellipsoids(masks: Tensor, cameras: Tensor) -> tuple[Tensor, Tensor]:
    """Lay an ellipsoid into each cell's visual hull, with the same centre and second moments.

    Parameters
    ----------
    masks
        Truncated signed distances `(b, n, s, s)`.
    cameras
        Rotations of the views `(n, 3, 3)`.

    Returns
    -------
    tuple of Tensor
        Centres c `(b, 3)` and frames A `(b, 3, 3)` of the ellipsoids |A (x - c)| = 1.

    Notes
    -----
    A uniform ball of radius r has the variance r² / 5 along each axis, so an ellipsoid with covariance V has the axes
    of 5 V = Q diag(r²) Q^T. Then A = Q diag(1 / r) Q^T.
    """
    hull = carve(masks, cameras, COARSE)
    # Edge voxels count in part; the floor gives a cell that is nowhere seen the cube's own moments.
    weight = (4 * hull + 0.5).clamp(1e-6, 1).reshape(len(masks), -1).double().cpu()
    c = pixel_centres(COARSE).double()
    z, y, x = torch.meshgrid(c, c, c, indexing="ij")
    points = torch.stack([x, y, z], dim=-1).reshape(-1, 3)
    weight = weight / weight.sum(dim=1, keepdim=True)
    centre = weight @ points
    products = (points[:, :, None] * points[:, None, :]).reshape(-1, 9)
    # E x xᵀ - (E x)(E x)ᵀ, in float64 and on the CPU: the difference cancels, and `eigh` differs between devices.
    covariance = (weight @ products).reshape(-1, 3, 3) - centre[:, :, None] * centre[:, None, :]
    values, vectors = torch.linalg.eigh(5 * covariance)
    # No radius below one voxel of the hull: the moments of a flatter cell are mostly those of the grid.
    frame = vectors * values.clamp(min=(2 / COARSE) ** 2).rsqrt()[:, None] @ vectors.mT
    return centre.to(masks), frame.to(masks)


@torch.no_grad()
def deepest(networks: SdfNetworks, rays: Rays, samples: int) -> Tensor:
    """Find the points where rays are deepest in their cells, or pass them nearest.

    Parameters
    ----------
    networks
        The signed distances f of b cells.
    rays
        Their rays, r per cell.
    samples
        Points looked at per ray, at least 4.

    Returns
    -------
    Tensor
        One point per ray, `(b, r, 3)`.

    Notes
    -----
    In a cell's frame its ellipsoid is the unit sphere, and the ray x(t) = o + t d is y(t) = p + t a with
    p = A (o - c) and a = A d. |y(t)|² is least at t_0 = -(p · a) / |a|², where it is `beside`, and grows by |a|² (t -
    t_0)². So the ray lies within `_REACH` radii for |t - t_0| <= h with h = sqrt((_REACH² - beside) / |a|²). Samples
    are spread evenly over that interval; the floor of 0.3 leaves one to rays that pass outside of the reach.

    The least sample f_0 with its neighbours f_-1 and f_1 gives a parabola, whose vertex lies at
    (f_-1 - f_1) / (2 (f_-1 - 2 f_0 + f_1)) spacings from it. f is about quadratic there, so few samples are enough. The
    vertex is kept within a spacing, for where f is flat or bends the other way.
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
    # Kept off both ends, where a sample lacks a neighbour for the parabola.
    least = sdf.argmin(dim=-1, keepdim=True).clamp(1, samples - 2)
    before, here, after = (sdf.gather(2, least + i)[..., 0] for i in (-1, 0, 1))
    bend = (before - 2 * here + after).clamp(min=1e-6)
    shift = ((before - after) / (2 * bend)).clamp(-1, 1) * half * (2 / samples)
    return rays.origin + (depth.gather(2, least)[..., 0] + shift)[..., None] * rays.direction
