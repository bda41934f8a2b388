"""MaskDDPM: 2D diffusion of single-cell masks, and the rules that reject a drawn mask.

The network is a stock `UNet2DModel` on soft masks whose pixels are folded into channels, about 16 remaining a side. It
is told the cell's area, solidity and elongation, drawn together from one real cell: without them a network of this size
and training made round cells of nearly one size, and real populations are wider.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import BaseModel
from skimage.measure import regionprops
from torch import Tensor

from raysynth.base.seeds import normal
from raysynth.config import MasksConfig
from raysynth.models.diffusion import denoise
from raysynth.models.signed_distance import gaussian_blur, harden, resized, unfold

TOLD = 4
"""Figures of a cell that the network is told: normal scores of area and solidity, and its elongation along two axes."""

SMOOTHING = 1 / 70
"""Gaussian width, over the crop's side, that takes the network's last noise off a soft mask: it roughens outlines, real
ones are smooth. Cells fill about the same share of any crop."""

MARGIN_PX = 3
"""Pixels between a mask and the crop's border, so that the texture keeps a whole ring of its surroundings."""

Rejection = Literal["empty", "touches the border", "area", "solidity"]


class MaskLimits(BaseModel):
    """How far a drawn mask may lie from the training distribution: area in pixels, solidity (area over convex area)."""

    area_px: tuple[float, float]
    min_solidity: float

    @classmethod
    def measure(cls, masks: NDArray[np.bool_], tail: float) -> "MaskLimits":
        """Limits from training masks `(n, y, x)`: the quantiles at `tail`, with a tenth of leeway."""
        every = max(1, len(masks) // 2000)  # enough for quantiles; convex hulls of all of them take minutes
        area, _, solidity = np.array([outline_figures(mask) for mask in masks[::every]]).T
        low, high = np.quantile(area, [tail, 1 - tail])
        return cls(area_px=(low / 1.1, high * 1.1), min_solidity=float(np.quantile(solidity, tail)) / 1.1)

    def reject(self, mask: NDArray[np.bool_]) -> Rejection | None:
        """Why a mask `(y, x)` is refused, or None."""
        if not mask.any():
            return "empty"
        inner = slice(MARGIN_PX, -MARGIN_PX)
        if mask.sum() != mask[inner, inner].sum():
            return "touches the border"
        area, _, solidity = outline_figures(mask)
        if not self.area_px[0] <= area <= self.area_px[1]:
            return "area"
        return "solidity" if solidity < self.min_solidity else None


def outline_figures(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Area in pixels, eccentricity and solidity (by the pixels' centres) of a non-empty mask `(y, x)`."""
    region = regionprops(mask.astype(np.uint8))[0]
    return float(region.area), float(region.eccentricity), float(region.solidity)


def folding(side_px: int) -> int:
    """Pixels folded into channels along each axis for crops of `side_px`, a multiple of 16."""
    fits = (fold for fold in (8, 4, 2) if side_px // fold >= 12 and side_px // fold % 4 == 0)
    return next(fits, 1)


def folding_of(model: UNet2DModel) -> int:
    """The folding that a network was built with."""
    return math.isqrt(model.config.out_channels)


def told(area: float, solidity: float, eccentricity: float, angle: float) -> tuple[float, float, float, float]:
    """What the network is told of a cell.

    area, solidity: normal scores among the real cells. eccentricity: in [0, 1). angle: of the long axis, radians from
    x to y. A network that is not told the angle averages over all of them in its first steps, and cells come out round.
    """
    elongation = eccentricity**2 / (2 - eccentricity**2)
    return area / 2, solidity / 2, 2 * elongation * math.cos(2 * angle), 2 * elongation * math.sin(2 * angle)


def elongation(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Eccentricity and angle, as `told` takes them, of a non-empty mask `(y, x)`."""
    region = regionprops(mask.astype(np.uint8))[0]
    return float(region.eccentricity), math.pi / 2 - float(region.orientation)


def predict(model: UNet2DModel, x_t: Tensor, t: Tensor, figures: Tensor) -> Tensor:
    """The velocity for folded masks `(n, c, h, w)`, timesteps `(n,)` and what `told` says of each cell `(n, 4)`."""
    planes = figures.to(x_t)[:, :, None, None].expand(-1, -1, *x_t.shape[-2:])
    return model(torch.cat([x_t, planes], dim=1), t).sample


def build(side_px: int, config: MasksConfig) -> UNet2DModel:
    """An untrained network for crops of `side_px`."""
    levels, fold = len(config.channels), folding(side_px)
    return UNet2DModel(
        sample_size=side_px // fold,
        in_channels=fold**2 + TOLD,
        out_channels=fold**2,
        block_out_channels=config.channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        norm_num_groups=8,
        attention_head_dim=16,
    )


@torch.no_grad()
def sample(
    model: UNet2DModel, scheduler: DDIMScheduler, rngs: Sequence[Generator], figures: Tensor, steps: int, side_px: int
) -> NDArray[np.bool_]:
    """Draw one mask for each generator and each row of `figures` `(n, 4)`, what `told` says of its cell.

    Returns `(n, side_px, side_px)`, one filled component each, not yet judged.
    """
    side, channels = model.config.sample_size, model.config.out_channels
    noise = torch.stack([normal(rng, channels, side, side) for rng in rngs]).to(model.device)
    x_0 = denoise(lambda x_t, t: predict(model, x_t, t, figures), noise, scheduler, steps)
    soft = resized(unfold(x_0, folding_of(model)), side_px)
    return harden(gaussian_blur(soft, SMOOTHING * side_px))
