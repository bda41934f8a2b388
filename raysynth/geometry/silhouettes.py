"""Silhouettes of fields: what every camera sees of a cell, in batches and on the device.

A field is a grid `(b, z, y, x)` over the cube [-1, 1]^3 (voxel centres at `pixel_centres`), positive inside the cell
and continuous, such as the negated signed distance. The silhouette is where its maximum along the ray is positive; that
maximum is itself a smooth map whose zero line is the outline to a fraction of a pixel. Any family of shapes can be
drawn.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.geometry.cameras import pixel_centres

_TOGETHER = 16
"""Cells projected at once."""


def rays(cameras: Tensor, side: int, samples: int) -> Tensor:
    """Place points on every pixel's ray, between depths -1 and 1.

    Parameters
    ----------
    cameras
        Cameras `(n, 3, 3)`.
    side
        Pixels along a side of the image.
    samples
        Points on a ray.

    Returns
    -------
    Tensor
        Points `(n, samples, side, side, 3)`, (x, y, z).
    """
    c = pixel_centres(side).to(cameras)
    depth = pixel_centres(samples).to(cameras)
    w, v, u = torch.meshgrid(depth, c, c, indexing="ij")
    # Rows of a camera are its axes: X = u right + v down + w forward is (u, v, w) times the matrix.
    return torch.einsum("dhwk,nkj->ndhwj", torch.stack([u, v, w], dim=-1), cameras)


def project(field: Tensor, cameras: Tensor, side: int, samples: int | None = None) -> Tensor:
    """Take the largest value of each field along each ray.

    Parameters
    ----------
    field
        Fields `(b, z, y, x)`, positive inside; outside the cube they count as their border values.
    cameras
        Cameras `(n, 3, 3)`.
    side
        Pixels along a side of the images.
    samples
        Points on a ray; None: as many as pixels.

    Returns
    -------
    Tensor
        `(b, n, side, side)`; the silhouette is where it is positive.
    """
    points = rays(cameras, side, samples or side)
    return torch.cat([_greatest(some, points) for some in field.split(_TOGETHER)])


def _greatest(field: Tensor, points: Tensor) -> Tensor:
    """Take the largest value `(b, n, h, w)` of fields `(b, z, y, x)` along rays `(n, d, h, w, 3)`."""
    # The cells are the channels of one volume, which shares the work of finding each sample's neighbours; one view at
    # a time keeps memory flat.
    volume = field[None].contiguous(memory_format=torch.channels_last_3d)
    seen = [
        F.grid_sample(volume, view[None], padding_mode="border", align_corners=False)[0].amax(dim=1) for view in points
    ]
    return torch.stack(seen, dim=1)


def soft_masks(projected: Tensor, truncation_px: float) -> Tensor:
    """Turn what `project` sees into signed distances to the outlines.

    To first order the distance to a zero line is the value over its slope: f(x + d) = f(x) + |grad f| d = 0 along the
    gradient. The slope is held at 1 or more, so that ridges stay finite. A star-shaped surface's field has no smaller
    one: r(direction) - |x| falls by 1 per unit along the ray.

    Parameters
    ----------
    projected
        Largest values of fields `(..., side, side)`.
    truncation_px
        Distance in pixels that becomes 1.

    Returns
    -------
    Tensor
        Signed distances over `truncation_px` `(..., side, side)`, positive inside, clamped to [-1, 1].
    """
    side = projected.shape[-1]
    slopes = torch.gradient(projected, spacing=2 / side, dim=(-2, -1))
    slope = torch.stack(slopes).norm(dim=0).clamp(min=1.0)
    return (projected / slope * (side / 2 / truncation_px)).clamp(-1.0, 1.0)


def carve(views: Tensor, cameras: Tensor, side: int) -> Tensor:
    """Carve the visual hull of soft masks.

    A point lies in the hull if every camera sees it inside its silhouette (Laurentini, 1994). With signed values that
    is the intersection of the silhouettes' cones: the least value of all views at the point's pixel.

    Parameters
    ----------
    views
        Soft masks `(b, n, s, s)`, positive inside.
    cameras
        Their cameras `(n, 3, 3)`.
    side
        Voxels along a side of the cube.

    Returns
    -------
    Tensor
        Fields `(b, z, y, x)`, positive inside the hulls.
    """
    c = pixel_centres(side).to(views)
    z, y, x = torch.meshgrid(c, c, c, indexing="ij")
    points = torch.stack([x, y, z], dim=-1).reshape(-1, 3)
    seen_at = torch.einsum("vj,nkj->nvk", points, cameras[:, :2])
    # Off its image a view says what its border says, nothing better being known there.
    values = F.grid_sample(views.transpose(0, 1), seen_at[:, None], padding_mode="border", align_corners=False)
    return values.amin(dim=0).reshape(-1, side, side, side)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Compute the intersection over union of images.

    Parameters
    ----------
    a, b
        Masks `(..., y, x)`.

    Returns
    -------
    Tensor
        Values `(...)` from 0 to 1; 1 where both are empty.
    """
    intersection = (a & b).sum(dim=(-2, -1)).float()
    union = (a | b).sum(dim=(-2, -1)).float()
    return torch.where(union > 0, intersection / union.clamp(min=1), torch.ones_like(union))
