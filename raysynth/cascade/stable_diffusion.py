"""Texture models that start from Stable Diffusion 1.x or 2.x in diffusers' folder layout.

The control blocks are copied from the UNet and its decoder half is trained with them (Yilmaz et al.; Zhang 2023);
the rest stays as it came. The empty prompt's embedding is kept, the text encoder is not.
"""

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from raysynth.cascade.latents import Learned
from raysynth.cascade.texture import TextureModel
from raysynth.errors import InputError


def open_stable_diffusion(source: str) -> TextureModel:
    """A texture model from a folder or hub id; the trainable parts require gradients, the others do not.

    Raises InputError when `source` is not such a checkpoint or the `sd` extra is not installed.
    """
    try:
        unet = UNet2DConditionModel.from_pretrained(source, subfolder="unet")
        vae = AutoencoderKL.from_pretrained(source, subfolder="vae")
        scheduler = DDIMScheduler.from_pretrained(source, subfolder="scheduler")
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"texture.start {source} does not open as a Stable Diffusion checkpoint: {reason}") from None
    context = empty_prompt(source)
    control = ControlNetModel.from_unet(unet)
    unet.requires_grad_(False)
    for trained in (unet.up_blocks, unet.conv_norm_out, unet.conv_out):
        trained.requires_grad_(True)
    model = TextureModel(unet, Learned(vae), scheduler, control, context)
    assert model.context is not None
    model.context.requires_grad_(False)
    return model


@torch.no_grad()
def empty_prompt(source: str) -> Tensor:
    """The text encoder's embedding `(1, tokens, width)` of the empty prompt; the encoder is dropped on return."""
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
    except ImportError:
        raise InputError("a Stable Diffusion start needs transformers: install raysynth with the extra `sd`") from None
    tokenizer = CLIPTokenizer.from_pretrained(source, subfolder="tokenizer")
    encoder = CLIPTextModel.from_pretrained(source, subfolder="text_encoder")
    length = encoder.config.max_position_embeddings
    tokens = tokenizer("", padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    return encoder(tokens.input_ids)[0]
