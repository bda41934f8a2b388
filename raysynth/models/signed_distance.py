"""Signed distances: how the networks see a mask.

The signed distance to the outline in pixels, positive inside, is divided by a truncation and cut to [-1, 1]. It carries
the outline to a fraction of a pixel and is smooth. A small network learns it in far fewer steps than a step edge.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from raysynth.base.arrays import Floats, Mask
from raysynth.geometry.components import largest_filled


def to_signed_distance(masks: Mask, truncation_px: float) -> Floats:
    """Turn masks into signed distances.

    Parameters
    ----------
    masks
        `(n, y, x)`.
    truncation_px
        Distance to the outline, in pixels, at which the values reach -1 and 1.

    Returns
    -------
    Floats
        `(n, y, x)` in [-1, 1], above 0 exactly inside. The outline runs half-way between inner and outer pixels.
    """
    distances = np.empty(masks.shape, np.float32)
    for one, mask in zip(distances, masks, strict=True):
        # The transforms count from pixel centre to pixel centre: the outline lies half a pixel nearer.
        inside = ndimage.distance_transform_edt(mask)
        outside = ndimage.distance_transform_edt(~mask)
        # An empty mask has no outline: it is everywhere as far outside as can be said.
        one[:] = np.clip((inside - outside - np.where(mask, 0.5, -0.5)) / truncation_px, -1, 1) if mask.any() else -1.0
    return distances


def to_masks(distances: Tensor) -> Mask:
    """Turn signed distances back into masks.

    Parameters
    ----------
    distances
        `(n, 1, y, x)`, on any device.

    Returns
    -------
    Mask
        `(n, y, x)`: where the distance is above 0, the largest component of each, its holes filled.
    """
    return np.stack([largest_filled(one) for one in (distances[:, 0] > 0).cpu().numpy()])


def fold(images: Tensor, factor: int) -> Tensor:
    """Put blocks of pixels into channels, without loss.

    Parameters
    ----------
    images
        `(n, c, y, x)`.
    factor
        Side of a block in pixels, a divisor of y and x.

    Returns
    -------
    Tensor
        `(n, c * factor², y / factor, x / factor)`.
    """
    return F.pixel_unshuffle(images, factor)


def unfold(folded: Tensor, factor: int) -> Tensor:
    """Undo `fold`.

    Parameters
    ----------
    folded
        `(n, c * factor², y, x)`.
    factor
        Side of a block in pixels.

    Returns
    -------
    Tensor
        `(n, c, y * factor, x * factor)`.
    """
    return F.pixel_shuffle(folded, factor)


def gaussian_blur(distances: Tensor, sigma_px: float) -> Tensor:
    """Blur signed distances by a Gaussian.

    Parameters
    ----------
    distances
        `(n, 1, y, x)`, on any device.
    sigma_px
        Width of the Gaussian in pixels.

    Returns
    -------
    Tensor
        `(n, 1, y, x)`, on the CPU.
    """
    # By scipy on the CPU, whatever the device: the sign of the result decides pixels of the mask.
    blurred = ndimage.gaussian_filter(distances.cpu().numpy(), (0, 0, sigma_px, sigma_px), mode="nearest")
    return torch.from_numpy(blurred)


def resize_images(images: Tensor, side: int) -> Tensor:
    """Bring square images to another side.

    Parameters
    ----------
    images
        `(n, c, y, x)`.
    side
        The new side in pixels.

    Returns
    -------
    Tensor
        `(n, c, side, side)`, interpolated; the images themselves where that is their side already.
    """
    if images.shape[-1] == side:
        return images
    # Antialiased: without it, shrinking leaves out pixels, and fine noise would turn into coarse.
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def truncation_in_crop(truncation_px: float, resolution_px: int | None, side_px: int) -> float:
    """Convert a truncation from pixels of a network's image to pixels of a crop.

    Parameters
    ----------
    truncation_px
        In pixels at which the network works.
    resolution_px
        Side at which the network works; None: the crop's own.
    side_px
        Side of the crop.

    Returns
    -------
    float
        The same distance in pixels of the crop.
    """
    return truncation_px * side_px / (resolution_px or side_px)


def as_batch(images: NDArray[np.generic]) -> Tensor:
    """Make a batch of one-channel images.

    Parameters
    ----------
    images
        `(n, y, x)`, of any type.

    Returns
    -------
    Tensor
        `(n, 1, y, x)`, float32, on the CPU.
    """
    return torch.from_numpy(np.ascontiguousarray(images, np.float32))[:, None]
