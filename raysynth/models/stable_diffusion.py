"""Texture models that start from Stable Diffusion 1.x or 2.x in diffusers' folder layout.

The control blocks are copied from the UNet and its decoder half is trained with them (Yilmaz et al.; Zhang 2023);
the rest stays as it came. The empty prompt's embedding is kept, the text encoder is not.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from raysynth.base.errors import InputError
from raysynth.models.image_codecs import Learned
from raysynth.models.texture import TextureModel

PARTS = ("unet", "vae", "scheduler", "tokenizer", "text_encoder")
# The schedule that raysynth's own sampler follows, so that the stock pipeline draws what it draws.
SAMPLING = {"clip_sample": False, "set_alpha_to_one": True, "timestep_spacing": "trailing"}


def open_stable_diffusion(source: str, gradient_checkpointing: bool = False) -> TextureModel:
    """A texture model from a folder or hub id; the trainable parts require gradients, the others do not.

    gradient_checkpointing: compute the activations of UNet and control blocks again in the backward pass.
    Raises InputError when `source` is not such a checkpoint or the `sd` extra is not installed.
    """
    _check_place(source)
    try:
        unet = UNet2DConditionModel.from_pretrained(source, subfolder="unet")
        vae = AutoencoderKL.from_pretrained(source, subfolder="vae")
        scheduler = DDIMScheduler.from_pretrained(source, subfolder="scheduler", **SAMPLING)
        context = empty_prompt(source)
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
    """The model of a checkpoint's parts and the empty prompt's embedding `(1, tokens, width)`, ready to train."""
    control = ControlNetModel.from_unet(unet)
    unet.requires_grad_(False)
    for trained in (unet.up_blocks, unet.conv_norm_out, unet.conv_out):
        trained.requires_grad_(True)
    if gradient_checkpointing:
        unet.enable_gradient_checkpointing()
        control.enable_gradient_checkpointing()
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


def _check_place(source: str) -> None:
    """A folder must hold every part; what is neither a folder nor shaped like a hub id is a mistyped path."""
    folder = Path(source)
    if folder.is_file():
        raise InputError(f"texture.start {source} is one file: convert it to diffusers' folder layout and give that")
    if folder.is_dir():
        missing = ", ".join(f"{part}/" for part in PARTS if not (folder / part).is_dir())
        if missing:
            raise InputError(f"texture.start {source} lacks {missing}: give a Stable Diffusion in diffusers' layout")
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
    """What a library said, its first sentence; where no network is, they speak of many things first."""
    return str(error).strip().splitlines()[0].split(". ")[0].rstrip(".")
