"""Soft masks: how the networks see a mask.

A soft mask is the signed distance to the outline in pixels, divided by a truncation and clamped to [-1, 1], positive
inside. It carries the outline to a fraction of a pixel and is smooth, so a small network learns it in far fewer steps
than a step edge.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from raysynth.geometry.components import largest_filled


def soften(masks: NDArray[np.bool_], truncation_px: float) -> NDArray[np.float32]:
    """Soft masks of `masks` `(n, y, x)`; the outline runs half-way between inner and outer pixels."""
    soft = np.empty(masks.shape, np.float32)
    for one, mask in zip(soft, masks, strict=True):
        inside = ndimage.distance_transform_edt(mask)
        outside = ndimage.distance_transform_edt(~mask)
        # An empty mask has no outline: it is everywhere as far outside as can be said.
        one[:] = np.clip((inside - outside - np.where(mask, 0.5, -0.5)) / truncation_px, -1, 1) if mask.any() else -1.0
    return soft


def fold(images: Tensor, factor: int) -> Tensor:
    """`(n, c, y, x)` to `(n, c * factor², y / factor, x / factor)`, without loss."""
    return F.pixel_unshuffle(images, factor)


def unfold(folded: Tensor, factor: int) -> Tensor:
    """The inverse of `fold`."""
    return F.pixel_shuffle(folded, factor)


def harden(soft: Tensor) -> NDArray[np.bool_]:
    """Masks `(n, y, x)` of soft masks `(n, 1, y, x)`: thresholded, one filled component each."""
    return np.stack([largest_filled(one) for one in (soft[:, 0] > 0).cpu().numpy()])


def gaussian_blur(soft: Tensor, sigma_px: float) -> Tensor:
    """Soft masks `(n, 1, y, x)` blurred by a Gaussian."""
    blurred = ndimage.gaussian_filter(soft.cpu().numpy(), (0, 0, sigma_px, sigma_px), mode="nearest")
    return torch.from_numpy(blurred)


def resized(images: Tensor, side: int) -> Tensor:
    """Images `(n, c, y, x)` at another side; unchanged where it is already theirs."""
    if images.shape[-1] == side:
        return images
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def truncation_at(truncation_px: float, resolution_px: int | None, side_px: int) -> float:
    """A truncation in pixels of `resolution_px`, at which a network works (None: the crop's own), in those of a crop of
    `side_px`.
    """
    return truncation_px * side_px / (resolution_px or side_px)


def as_batch(images: NDArray[np.generic]) -> Tensor:
    """`(n, y, x)` to a float32 tensor `(n, 1, y, x)`."""
    return torch.from_numpy(np.ascontiguousarray(images, np.float32))[:, None]
