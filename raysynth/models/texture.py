"""Mask-conditioned diffusion of textures, on what an image codec makes of the pixels.

There are two ways for the condition to enter. It is concatenated to the noisy image of a `UNet2DModel`. Or it goes
through a ControlNet (Zhang 2023) beside a `UNet2DConditionModel`, whose prompt is one constant context: a learned token
when trained from scratch, the empty prompt's embedding when opened from Stable Diffusion. Neither needs a text encoder
afterwards.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel, UNet2DModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from raysynth.config import TextureConfig
from raysynth.models.diffusion import schedule
from raysynth.models.image_codecs import ImageCodec, LearnedCodec, PixelFolding
from raysynth.models.signed_distance import fold

CONDITION_CHANNELS = 3
"""Channels of the condition, as many as a stock ControlNet takes: signed distance, height, brightness."""

_CONTEXT_WIDTH = 32
"""Width of the learned token that stands for a prompt when a ControlNet is trained from scratch."""


class TextureModel(nn.Module):
    """Denoiser, image codec and noise schedule together.

    Parameters
    ----------
    unet
        The denoiser.
    codec
        From images to what the denoiser works on, and back.
    scheduler
        The noise schedule.
    controlnet
        Through which the condition enters; None: it is concatenated to the denoiser's input.
    context
        With a ControlNet: the embedding in place of a prompt `(1, tokens, width)`.
    """

    def __init__(
        self,
        unet: UNet2DModel | UNet2DConditionModel,
        codec: ImageCodec,
        scheduler: DDIMScheduler,
        controlnet: ControlNetModel | None = None,
        context: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.unet, self.controlnet = unet, controlnet
        self.codec: ImageCodec = codec
        self.scheduler = scheduler
        self.context = None if context is None else nn.Parameter(context)

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """Predict the velocity (or the noise, as the schedule says).

        Parameters
        ----------
        x_t
            Noisy encoded images `(n, c, h, w)`.
        t
            Timesteps `(n,)`.
        condition
            `(n, CONDITION_CHANNELS, y, x)` in [0, 1].

        Returns
        -------
        Tensor
            Of the shape of `x_t`.
        """
        if self.controlnet is None:
            # Fold the mask's pixels as the image's are, so that the outline keeps its resolution. The other channels
            # are constant: one pixel of each block is enough. All are brought from [0, 1] to around 0.
            factor = self.codec.factor
            distances, planes = fold(condition[:, :1], factor), condition[:, 1:, ::factor, ::factor]
            return self.unet(torch.cat([x_t, 2 * distances - 1, 4 * planes - 2], dim=1), t).sample
        assert self.context is not None
        context = self.context.expand(len(x_t), -1, -1)
        down, mid = self.controlnet(x_t, t, context, controlnet_cond=condition, return_dict=False)
        return self.unet(
            x_t, t, context, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample

    def encoded_shape(self, side_px: int) -> tuple[int, int, int]:
        """Tell the shape of an encoded image.

        Parameters
        ----------
        side_px
            Side of the image in pixels.

        Returns
        -------
        tuple of int
            Channels, height and width.
        """
        return (self.codec.channels, side_px // self.codec.factor, side_px // self.codec.factor)

    def save(self, folder: Path) -> None:
        """Write every part in diffusers' own form, in half precision; the weights here are rounded likewise.

        Parameters
        ----------
        folder
            The model's folder in a bundle.
        """
        parts = {"unet": self.unet, "controlnet": self.controlnet, "vae": getattr(self.codec, "vae", None)}
        for name, part in parts.items():
            if part is not None:
                part.half().save_pretrained(folder / name)
                # Back to float32, but rounded: what this process goes on with is what the saved model opens to.
                part.float()
        self.scheduler.save_pretrained(folder / "scheduler")
        if isinstance(self.codec, PixelFolding):
            pixels = {"mean": self.codec.mean, "scale": self.codec.scale}
            (folder / "pixels.json").write_text(json.dumps(pixels) + "\n", encoding="utf-8")
        if self.context is not None:
            self.context.data = self.context.data.half().float()
            save_file({"context": self.context.data.half().contiguous()}, folder / "context.safetensors")


def open_texture(folder: Path) -> TextureModel:
    """Open a saved texture model.

    Parameters
    ----------
    folder
        The model's folder in a bundle.

    Returns
    -------
    TextureModel
        The model, in single precision.
    """
    scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
    control = (folder / "controlnet").exists()
    unet = (UNet2DConditionModel if control else UNet2DModel).from_pretrained(folder / "unet")
    codec: ImageCodec
    if (folder / "vae").exists():
        codec = LearnedCodec(AutoencoderKL.from_pretrained(folder / "vae"))
    else:
        pixels = json.loads((folder / "pixels.json").read_text(encoding="utf-8"))
        # Folding by f makes f² channels of one, so f is the root of the network's channels.
        codec = PixelFolding(math.isqrt(unet.config.out_channels), pixels["mean"], pixels["scale"])
    if not control:
        return TextureModel(unet, codec, scheduler)
    return TextureModel(
        unet,
        codec,
        scheduler,
        ControlNetModel.from_pretrained(folder / "controlnet"),
        load_file(folder / "context.safetensors")["context"].float(),
    )


def build_texture_model(codec: ImageCodec, side_px: int, config: TextureConfig) -> TextureModel:
    """Build an untrained texture model.

    Parameters
    ----------
    codec
        The image codec, trained where it has weights.
    side_px
        Side of the crops in pixels.
    config
        Settings of the texture model: its channels, and how the condition enters.

    Returns
    -------
    TextureModel
        The model, with random weights of torch's global generator.
    """
    shape: dict[str, Any] = {
        "sample_size": side_px // codec.factor,
        "out_channels": codec.channels,
        "block_out_channels": config.channels,
        "layers_per_block": 1,
        "norm_num_groups": 8,
    }
    if config.conditioning == "concat":
        return _concatenating(codec, len(config.channels), shape)
    return _controlled(codec, len(config.channels), shape)


def _concatenating(codec: ImageCodec, levels: int, shape: dict[str, Any]) -> TextureModel:
    """Build a model whose condition is concatenated to the noisy image."""
    unet = UNet2DModel(
        in_channels=codec.channels + codec.factor**2 + CONDITION_CHANNELS - 1,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        attention_head_dim=16,
        **shape,
    )
    return TextureModel(unet, codec, schedule())


def _controlled(codec: ImageCodec, levels: int, shape: dict[str, Any]) -> TextureModel:
    """Build a model whose condition enters through a ControlNet."""
    unet = UNet2DConditionModel(
        in_channels=codec.channels,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        cross_attention_dim=_CONTEXT_WIDTH,
        attention_head_dim=4,
        **shape,
    )
    # The ControlNet halves its image once per level after the first, down to the size of the encoded image.
    hint_levels = {2: (16, 32), 4: (16, 32, 32), 8: (16, 32, 32, 64)}[codec.factor]
    control = ControlNetModel.from_unet(
        unet,
        conditioning_embedding_out_channels=hint_levels,
        conditioning_channels=CONDITION_CHANNELS,
        # The UNet is untrained as well: there is nothing to copy.
        load_weights_from_unet=False,
    )
    return TextureModel(unet, codec, schedule(), control, torch.zeros(1, 1, _CONTEXT_WIDTH))
