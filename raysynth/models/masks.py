"""MaskDDPM: 2D diffusion of the masks of single cells.

The network is a stock `UNet2DModel` on signed distances whose pixels are folded into channels, about 16 remaining per
side. It is conditioned on the cell's area, solidity and elongation, drawn together from one real cell. Without them a
network of this size and training makes round cells of nearly one size, and real populations are wider.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from numpy.random import Generator
from skimage.measure import regionprops
from torch import Tensor

from raysynth.base.arrays import Mask
from raysynth.base.seeds import normal
from raysynth.config import MasksConfig
from raysynth.models.diffusion import denoise
from raysynth.models.signed_distance import gaussian_blur, resize_images, to_masks, unfold

MASK_CONDITIONS = 4
"""Values that a mask is conditioned on: normal scores of area and solidity, and the elongation along two axes."""

_BLUR = 1 / 70
"""Gaussian width, over the crop's side, that takes the network's last noise off a signed distance.

The noise roughens outlines; real ones are smooth. Cells fill about the same fraction of any crop.
"""


def folding(side_px: int) -> int:
    """Choose how many pixels are folded into channels along each axis.

    Parameters
    ----------
    side_px
        Side of the crops, a multiple of 16.

    Returns
    -------
    int
        The largest of 8, 4, 2 and 1 that leaves 12 pixels per side or more, in a multiple of 4.
    """
    # The default UNet has three levels and halves its image twice: the folded side must be a multiple of 4.
    fits = (fold for fold in (8, 4, 2) if side_px // fold >= 12 and side_px // fold % 4 == 0)
    return next(fits, 1)


def folding_of(model: UNet2DModel) -> int:
    """Tell the folding that a network was built with.

    Parameters
    ----------
    model
        A MaskDDPM.

    Returns
    -------
    int
        Pixels folded into channels along each axis.
    """
    return math.isqrt(model.config.out_channels)


def mask_condition(
    area: float, solidity: float, eccentricity: float, angle: float
) -> tuple[float, float, float, float]:
    """Compose what a mask is conditioned on.

    Parameters
    ----------
    area, solidity
        Normal scores among the real cells.
    eccentricity
        Of the ellipse with the outline's second moments, in [0, 1).
    angle
        Of its long axis, radians from x to y.

    Returns
    -------
    tuple of float
        `MASK_CONDITIONS` values of about unit spread.

    Notes
    -----
    With eccentricity² = 1 - b² / a², the elongation (a² - b²) / (a² + b²) is eccentricity² / (2 - eccentricity²). It
    enters as a vector at twice the angle, because an axis has no direction. Without the angle a network averages over
    all of them in its first steps, and cells come out round.
    """
    # The factors bring scores and elongation to about [-1, 1], the range of the distances that they are stacked onto.
    length = eccentricity**2 / (2 - eccentricity**2)
    return area / 2, solidity / 2, 2 * length * math.cos(2 * angle), 2 * length * math.sin(2 * angle)


def elongation(mask: Mask) -> tuple[float, float]:
    """Measure how an outline is stretched.

    Parameters
    ----------
    mask
        A mask that is not empty, `(y, x)`.

    Returns
    -------
    tuple of float
        Eccentricity and angle, as `mask_condition` takes them.
    """
    region = regionprops(mask.astype(np.uint8))[0]
    # skimage counts the orientation from the rows' axis.
    return float(region.eccentricity), math.pi / 2 - float(region.orientation)


def predict_velocity(model: UNet2DModel, x_t: Tensor, t: Tensor, conditions: Tensor) -> Tensor:
    """Predict the velocity of noisy masks.

    Parameters
    ----------
    model
        A MaskDDPM.
    x_t
        Noisy folded signed distances `(n, c, h, w)`.
    t
        Timesteps `(n,)`.
    conditions
        What each mask is conditioned on, `(n, 4)`.

    Returns
    -------
    Tensor
        Of the shape of `x_t`.
    """
    # Constant planes: a stock `UNet2DModel` takes no real numbers beside the timestep.
    planes = conditions.to(x_t)[:, :, None, None].expand(-1, -1, *x_t.shape[-2:])
    return model(torch.cat([x_t, planes], dim=1), t).sample


def build_mask_network(side_px: int, config: MasksConfig) -> UNet2DModel:
    """Build an untrained MaskDDPM.

    Parameters
    ----------
    side_px
        Side of the masks in pixels.
    config
        Settings of the masks' model: its channels.

    Returns
    -------
    UNet2DModel
        The network, with random weights of torch's global generator.
    """
    levels, fold = len(config.channels), folding(side_px)
    return UNet2DModel(
        sample_size=side_px // fold,
        in_channels=fold**2 + MASK_CONDITIONS,
        out_channels=fold**2,
        block_out_channels=config.channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        norm_num_groups=8,
        attention_head_dim=16,
    )


def open_mask_model(folder: Path) -> tuple[UNet2DModel, DDIMScheduler]:
    """Open a saved MaskDDPM.

    Parameters
    ----------
    folder
        The model's folder in a bundle.

    Returns
    -------
    tuple of UNet2DModel and DDIMScheduler
        The network and its noise schedule.
    """
    return UNet2DModel.from_pretrained(folder), DDIMScheduler.from_pretrained(folder)


@torch.no_grad()
def sample_masks(
    model: UNet2DModel,
    scheduler: DDIMScheduler,
    rngs: Sequence[Generator],
    conditions: Tensor,
    steps: int,
    side_px: int,
) -> Mask:
    """Draw masks.

    Parameters
    ----------
    model, scheduler
        A MaskDDPM and its noise schedule.
    rngs
        One generator per mask: of its noise.
    conditions
        What each mask is conditioned on, `(n, 4)`.
    steps
        DDIM steps.
    side_px
        Side of the masks in pixels, to which they are resized.

    Returns
    -------
    Mask
        `(n, side_px, side_px)`, one component without holes each, not yet judged by the limits.
    """
    side, channels = model.config.sample_size, model.config.out_channels
    # Drawn cell by cell on the CPU: neither its batch nor the device changes a cell's noise.
    noise = torch.stack([normal(rng, channels, side, side) for rng in rngs]).to(model.device)
    x_0 = denoise(lambda x_t, t: predict_velocity(model, x_t, t, conditions), noise, scheduler, steps)
    # Resized before it is blurred: the width of the blur is one of the crop, whatever side the network works at.
    distances = resize_images(unfold(x_0, folding_of(model)), side_px)
    return to_masks(gaussian_blur(distances, _BLUR * side_px))
