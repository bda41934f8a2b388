"""Texture models that start from Stable Diffusion 1.x or 2.x in diffusers' folder layout.

The control blocks are copied from the UNet and its decoder half is trained with them (Yilmaz et al.; Zhang 2023);
the rest stays as it came. The empty prompt's embedding is kept, the text encoder is not.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from raysynth.base.errors import InputError, first_line
from raysynth.models.image_codecs import LearnedCodec
from raysynth.models.texture import TextureModel

_FOLDERS = ("unet", "vae", "scheduler", "tokenizer", "text_encoder")
# The schedule that raysynth's own sampler follows, so that the stock pipeline draws what it draws.
_SAMPLING = {"clip_sample": False, "set_alpha_to_one": True, "timestep_spacing": "trailing"}


def open_stable_diffusion(source: str, gradient_checkpointing: bool = False) -> TextureModel:
    """Open Stable Diffusion as a texture model. The trainable parts require gradients, the others do not.

    Parameters
    ----------
    source
        A folder, or a hub id such as `owner/name`.
    gradient_checkpointing
        Compute the activations of UNet and control blocks again in the backward pass: less memory, more time.

    Returns
    -------
    TextureModel
        The model, its control blocks copied from the UNet.

    Raises
    ------
    InputError
        If `source` is no such checkpoint, or the `sd` extra is not installed.
    """
    _check_source(source)
    try:
        unet = UNet2DConditionModel.from_pretrained(source, subfolder="unet")
        vae = AutoencoderKL.from_pretrained(source, subfolder="vae")
        scheduler = DDIMScheduler.from_pretrained(source, subfolder="scheduler", **_SAMPLING)
        context = empty_prompt(source)
    # What diffusers, transformers and safetensors raise for folders that are damaged or of another kind.
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        hub = "" if Path(source).is_dir() else " from the hub (is there a network?)"
        raise InputError(f"texture.start {source} does not open as Stable Diffusion{hub}: {_sentence(error)}") from None
    _check_kind(source, unet, vae, scheduler, context)
    return assemble(unet, vae, scheduler, context, gradient_checkpointing)


def assemble(
    unet: UNet2DConditionModel,
    vae: AutoencoderKL,
    scheduler: DDIMScheduler,
    context: Tensor,
    gradient_checkpointing: bool = False,
) -> TextureModel:
    """Put a checkpoint's parts together, ready to train.

    Parameters
    ----------
    unet, vae, scheduler
        The parts as they came.
    context
        The empty prompt's embedding `(1, tokens, width)`.
    gradient_checkpointing
        Compute the activations of UNet and control blocks again in the backward pass.

    Returns
    -------
    TextureModel
        The model. The UNet's decoder half and the control blocks require gradients.
    """
    control = ControlNetModel.from_unet(unet)
    unet.requires_grad_(False)
    for trained in (unet.up_blocks, unet.conv_norm_out, unet.conv_out):
        trained.requires_grad_(True)
    if gradient_checkpointing:
        unet.enable_gradient_checkpointing()
        control.enable_gradient_checkpointing()
    model = TextureModel(unet, LearnedCodec(vae), scheduler, control, context)
    assert model.context is not None
    # `TextureModel` makes any context a parameter. A learned one is trained, the empty prompt's stays.
    model.context.requires_grad_(False)
    return model


@torch.no_grad()
def empty_prompt(source: str) -> Tensor:
    """Embed the empty prompt. The text encoder is dropped on return.

    Parameters
    ----------
    source
        A folder or hub id.

    Returns
    -------
    Tensor
        `(1, tokens, width)`.

    Raises
    ------
    InputError
        If transformers is not installed.
    """
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
    except ImportError:
        raise InputError("a Stable Diffusion start needs transformers: install raysynth with the extra `sd`") from None
    tokenizer = CLIPTokenizer.from_pretrained(source, subfolder="tokenizer")
    encoder = CLIPTextModel.from_pretrained(source, subfolder="text_encoder")
    length = encoder.config.max_position_embeddings
    # Padded as in Stable Diffusion's own training: the UNet has never seen a context of another length.
    tokens = tokenizer("", padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    return encoder(tokens.input_ids)[0]


def _check_source(source: str) -> None:
    """Refuse a folder that lacks a part, and what is neither a folder nor shaped like a hub id: a mistyped path."""
    folder = Path(source)
    if folder.is_file():
        raise InputError(f"texture.start {source} is one file: convert it to diffusers' folder layout and give that")
    if folder.is_dir():
        missing = ", ".join(f"{part}/" for part in _FOLDERS if not (folder / part).is_dir())
        if missing:
            raise InputError(f"texture.start {source} lacks {missing}: give a Stable Diffusion in diffusers' layout")
    # A hub id has at most one slash and begins with a name: anything else was meant as a path.
    elif folder.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise InputError(f"texture.start {source} does not exist: give a folder, or a hub id such as owner/name")


def _check_kind(
    source: str, unet: UNet2DConditionModel, vae: AutoencoderKL, scheduler: DDIMScheduler, context: Tensor
) -> None:
    """Versions 1.x and 2.x alone: inpainting and depth models take more channels, SDXL another context."""
    plain = unet.config.in_channels == vae.config.latent_channels == unet.config.out_channels
    known = scheduler.config.prediction_type in ("epsilon", "v_prediction")
    if not (plain and known and unet.config.cross_attention_dim == context.shape[-1]):
        raise InputError(
            f"texture.start {source} is another kind of model: give a text-to-image Stable Diffusion 1.x or 2.x"
        )


def _sentence(error: Exception) -> str:
    """Quote the first sentence of what a library said. Without a network, libraries add advice to it."""
    return first_line(error).split(". ")[0].rstrip(".")
