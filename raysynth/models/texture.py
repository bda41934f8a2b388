"""Mask-conditioned latent diffusion of textures.

The condition is a picture of three channels in [0, 1]: the soft mask, the slice's height within the cell, the cell's
brightness. Two ways for it to enter: concatenated to the noisy latent of a `UNet2DModel`, or through a ControlNet
(Zhang 2023) beside a `UNet2DConditionModel` whose prompt is one context: a learned token when trained from scratch, the
empty prompt's embedding when opened from Stable Diffusion. Neither needs a text encoder afterwards.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel, UNet2DModel
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from raysynth.base.sampling import equal_batches
from raysynth.config import TextureConfig
from raysynth.models.diffusion import denoise, schedule
from raysynth.models.image_codecs import FirstStage, Folded, Learned
from raysynth.models.signed_distance import as_batch, fold, resized, soften, truncation_at

CHANNELS = 3
"""Of the condition, as many as a stock ControlNet takes."""


@dataclass(frozen=True)
class Slice:
    """What the texture of one slice depends on.

    mask: `(side, side)`. height: 0 at the cell's first slice, 1 at its last, 0.5 where there is one. brightness: of the
    whole cell, as a normal score among the training cells.
    """

    mask: NDArray[np.bool_]
    height: float
    brightness: float


def condition(slices: Sequence[Slice], truncation_px: float) -> Tensor:
    """The conditions `(n, 3, side, side)` in [0, 1] of n slices; brightness is cut at 3 standard deviations."""
    soft = as_batch(soften(np.stack([one.mask for one in slices]), truncation_px))
    rows = [[one.height, 0.5 + one.brightness / 6] for one in slices]
    figures = torch.tensor(rows, dtype=torch.float32).clamp(0, 1)
    planes = figures[:, :, None, None].expand(-1, -1, *soft.shape[-2:])
    return torch.cat([(soft + 1) / 2, planes], dim=1)


class TextureModel(nn.Module):
    """Denoiser, first stage and schedule together; `forward` predicts from `x_t`, `t` and the condition."""

    def __init__(
        self,
        unet: UNet2DModel | UNet2DConditionModel,
        first_stage: FirstStage,
        scheduler: DDIMScheduler,
        controlnet: ControlNetModel | None = None,
        context: Tensor | None = None,
    ) -> None:
        """context: `(1, tokens, width)`, with a controlnet."""
        super().__init__()
        self.unet, self.controlnet = unet, controlnet
        self.first_stage: FirstStage = first_stage
        self.scheduler = scheduler
        self.context = None if context is None else nn.Parameter(context)

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """The network's output for latents `(n, c, h, w)`, timesteps `(n,)` and conditions `(n, 3, y, x)`."""
        if self.controlnet is None:
            factor = self.first_stage.factor
            soft, planes = fold(condition[:, :1], factor), condition[:, 1:, ::factor, ::factor]
            return self.unet(torch.cat([x_t, 2 * soft - 1, 4 * planes - 2], dim=1), t).sample
        assert self.context is not None
        context = self.context.expand(len(x_t), -1, -1)
        down, mid = self.controlnet(x_t, t, context, controlnet_cond=condition, return_dict=False)
        return self.unet(
            x_t, t, context, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample

    def latent_shape(self, side_px: int) -> tuple[int, int, int]:
        """Channels and size of the latent of a `side_px` image."""
        return (self.first_stage.channels, side_px // self.first_stage.factor, side_px // self.first_stage.factor)

    def save(self, folder: Path) -> None:
        """Write every part in diffusers' own form, fp16; the weights here are rounded likewise."""
        parts = {"unet": self.unet, "controlnet": self.controlnet, "vae": getattr(self.first_stage, "vae", None)}
        for name, part in parts.items():
            if part is not None:
                part.half().save_pretrained(folder / name)
                part.float()
        self.scheduler.save_pretrained(folder / "scheduler")
        if isinstance(self.first_stage, Folded):
            pixels = {"mean": self.first_stage.mean, "scale": self.first_stage.scale}
            (folder / "pixels.json").write_text(json.dumps(pixels) + "\n", encoding="utf-8")
        if self.context is not None:
            self.context.data = self.context.data.half().float()
            save_file({"context": self.context.data.half().contiguous()}, folder / "context.safetensors")


def open_texture(folder: Path) -> TextureModel:
    """The texture model saved in `folder`."""
    scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
    control = (folder / "controlnet").exists()
    unet = (UNet2DConditionModel if control else UNet2DModel).from_pretrained(folder / "unet")
    first_stage: FirstStage
    if (folder / "vae").exists():
        first_stage = Learned(AutoencoderKL.from_pretrained(folder / "vae"))
    else:
        pixels = json.loads((folder / "pixels.json").read_text(encoding="utf-8"))
        first_stage = Folded(math.isqrt(unet.config.out_channels), pixels["mean"], pixels["scale"])
    if not control:
        return TextureModel(unet, first_stage, scheduler)
    return TextureModel(
        unet,
        first_stage,
        scheduler,
        ControlNetModel.from_pretrained(folder / "controlnet"),
        load_file(folder / "context.safetensors")["context"].float(),
    )


def build(first_stage: FirstStage, side_px: int, config: TextureConfig) -> TextureModel:
    """An untrained model for crops of `side_px`, the mask entering as `config.conditioning` says."""
    shape = {
        "sample_size": side_px // first_stage.factor,
        "out_channels": first_stage.channels,
        "block_out_channels": config.channels,
        "layers_per_block": 1,
        "norm_num_groups": 8,
    }
    levels = len(config.channels)
    if config.conditioning == "concat":
        unet = UNet2DModel(
            in_channels=first_stage.channels + first_stage.factor**2 + CHANNELS - 1,
            down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
            up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
            attention_head_dim=16,
            **shape,
        )
        return TextureModel(unet, first_stage, schedule())
    width = 32
    unet = UNet2DConditionModel(
        in_channels=first_stage.channels,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        cross_attention_dim=width,
        attention_head_dim=4,
        **shape,
    )
    hint_levels = {2: (16, 32), 4: (16, 32, 32), 8: (16, 32, 32, 64)}[first_stage.factor]
    control = ControlNetModel.from_unet(
        unet,
        conditioning_embedding_out_channels=hint_levels,
        conditioning_channels=CHANNELS,
        load_weights_from_unet=False,
    )
    return TextureModel(unet, first_stage, schedule(), control, torch.zeros(1, 1, width))


@torch.no_grad()
def paint(
    model: TextureModel,
    slices: Sequence[Slice],
    noise: Sequence[Tensor],
    config: TextureConfig,
    truncation_px: float,
) -> list[NDArray[np.float16]]:
    """Textures `(side, side)` in [0, 1] of cells' slices, one latent noise `(c, h, w)` each.

    Works in equal batches of at most `config.batch`, at `config.resolution_px` where that is set.
    """
    device = next(model.parameters()).device
    painted: list[NDArray[np.float16]] = []
    for batch, count in equal_batches(list(zip(slices, noise, strict=True)), config.batch):
        side = batch[0][0].mask.shape[-1]
        seen = condition([one for one, _ in batch], truncation_at(truncation_px, config.resolution_px, side)).to(device)
        x_T = torch.stack([one for _, one in batch]).to(device)
        predict = partial(_predict, model, resized(seen, config.resolution_px or side))
        order = 2 if config.sampler == "dpm++" else 1
        x_0 = denoise(predict, x_T, model.scheduler, config.sampler_steps, config.sampler_spacing, order)
        images = resized(model.first_stage.decode(x_0), side)[:count, 0]
        painted.extend(((images + 1) / 2).clamp(0, 1).cpu().numpy().astype(np.float16))
    return painted


def _predict(model: TextureModel, condition: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    return model(x_t, t, condition)
