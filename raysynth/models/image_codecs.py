"""First stages: what the texture diffusion works on instead of pixels.

Both turn images `(n, c, y, x)` in [-1, 1] into latents of about unit spread and back.
"""

from typing import Protocol

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from raysynth.models.signed_distance import fold, unfold


class FirstStage(Protocol):
    """Encoder and decoder around the diffusion; `factor` is the ratio of sides, `channels` those of a latent."""

    factor: int
    channels: int

    def encode(self, images: Tensor) -> Tensor:
        """Latents `(n, channels, y / factor, x / factor)` of grey images `(n, 1, y, x)`."""

    def decode(self, latents: Tensor) -> Tensor:
        """Grey images `(n, 1, y, x)` of latents."""


class Folded(nn.Module):
    """No autoencoder: `factor` x `factor` pixels become channels, without loss.

    mean, scale: of grey values in [-1, 1]; latents are (images - mean) / scale. Fluorescence is mostly dark: pixels of
    spread 0.1 drown in the noise of nearly every timestep, and their grain is learned last, if at all.
    """

    def __init__(self, factor: int, mean: float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.factor, self.channels = factor, factor**2
        self.mean, self.scale = mean, scale

    def encode(self, images: Tensor) -> Tensor:
        """Scale and fold the pixels."""
        return fold((images - self.mean) / self.scale, self.factor)

    def decode(self, latents: Tensor) -> Tensor:
        """Unfold the pixels and scale them back."""
        return unfold(latents, self.factor) * self.scale + self.mean


class Learned(nn.Module):
    """A (frozen) `AutoencoderKL`, trained here for one-channel crops or taken from Stable Diffusion for RGB images."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae.requires_grad_(False)
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.channels = int(vae.config.latent_channels)

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """The mean latent, scaled to unit spread."""
        seen = images.expand(-1, self.vae.config.in_channels, -1, -1)
        return self.vae.encode(seen).latent_dist.mode() * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Images; the mean of the channels where there are three."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample.mean(dim=1, keepdim=True)


def build_autoencoder(side_px: int, factor: int) -> AutoencoderKL:
    """An untrained one-channel autoencoder with latents `factor` times smaller than the image, four channels."""
    channels = {2: (16, 32), 4: (16, 32, 48)}[factor]
    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        block_out_channels=channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=side_px,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )
