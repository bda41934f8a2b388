"""MaskDDPM: unconditional 2D diffusion of single-cell masks, and the rules that reject a drawn mask.

The network is a stock `UNet2DModel` on soft masks whose pixels are folded 2x2 into channels.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import BaseModel
from skimage.measure import regionprops

from raysynth.cascade.diffusion import ddim
from raysynth.cascade.softmask import FOLD, harden, unfold
from raysynth.config import MasksConfig
from raysynth.seeds import normal

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
        shape = np.array([_area_and_solidity(mask) for mask in masks[::every]])
        low, high = np.quantile(shape[:, 0], [tail, 1 - tail])
        return cls(area_px=(low / 1.1, high * 1.1), min_solidity=float(np.quantile(shape[:, 1], tail)) / 1.1)

    def reject(self, mask: NDArray[np.bool_]) -> Rejection | None:
        """Why a mask `(y, x)` is refused, or None."""
        if not mask.any():
            return "empty"
        inner = slice(MARGIN_PX, -MARGIN_PX)
        if mask.sum() != mask[inner, inner].sum():
            return "touches the border"
        area, solidity = _area_and_solidity(mask)
        if not self.area_px[0] <= area <= self.area_px[1]:
            return "area"
        return "solidity" if solidity < self.min_solidity else None


def _area_and_solidity(mask: NDArray[np.bool_]) -> tuple[float, float]:
    region = regionprops(mask.astype(np.uint8))[0]
    return float(region.area), float(region.solidity)


def build(side_px: int, config: MasksConfig) -> UNet2DModel:
    """An untrained network for crops of `side_px`."""
    levels = len(config.channels)
    return UNet2DModel(
        sample_size=side_px // FOLD,
        in_channels=FOLD**2,
        out_channels=FOLD**2,
        block_out_channels=config.channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        norm_num_groups=8,
        attention_head_dim=16,
    )


@torch.no_grad()
def sample(model: UNet2DModel, scheduler: DDIMScheduler, rngs: Sequence[Generator], steps: int) -> NDArray[np.bool_]:
    """Draw one mask for each generator: `(n, side, side)`, one filled component each, not yet judged."""
    side = model.config.sample_size
    noise = torch.stack([normal(rng, FOLD**2, side, side) for rng in rngs]).to(model.device)
    x_0 = ddim(lambda x_t, t: model(x_t, t).sample, noise, scheduler, steps)
    return harden(unfold(x_0))
