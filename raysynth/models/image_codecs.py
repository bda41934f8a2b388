"""Image codecs: what the texture diffusion works on instead of pixels.

A codec turns images `(n, 1, y, x)` in [-1, 1] into smaller images of more channels and of about unit spread, here
called encoded images, and back.
"""

from typing import Protocol

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from raysynth.models.signed_distance import fold, unfold


class ImageCodec(Protocol):
    """Encoder and decoder around the diffusion.

    Attributes
    ----------
    factor
        Ratio of an image's side to that of the encoded image.
    channels
        Channels of an encoded image.
    """

    factor: int
    channels: int

    def encode(self, images: Tensor) -> Tensor:
        """Encode images.

        Parameters
        ----------
        images
            Grey images `(n, 1, y, x)` in [-1, 1].

        Returns
        -------
        Tensor
            `(n, channels, y / factor, x / factor)`.
        """

    def decode(self, encoded: Tensor) -> Tensor:
        """Decode images.

        Parameters
        ----------
        encoded
            `(n, channels, y, x)`.

        Returns
        -------
        Tensor
            Grey images `(n, 1, y * factor, x * factor)`.
        """


class PixelFolding(nn.Module):
    """No autoencoder: blocks of pixels become channels, without loss.

    Fluorescence is mostly dark. Pixels of spread 0.1 drown in the noise of nearly every timestep, and their grain is
    learned last, if at all. So grey values are scaled to unit spread first.

    Parameters
    ----------
    factor
        Side of a block in pixels.
    mean, scale
        Of grey values in [-1, 1]; encoded images are (images - mean) / scale.
    """

    def __init__(self, factor: int, mean: float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.factor, self.channels = factor, factor**2
        self.mean, self.scale = mean, scale

    def encode(self, images: Tensor) -> Tensor:
        """Scale and fold the pixels."""
        return fold((images - self.mean) / self.scale, self.factor)

    def decode(self, encoded: Tensor) -> Tensor:
        """Unfold the pixels and scale them back."""
        return unfold(encoded, self.factor) * self.scale + self.mean


class LearnedCodec(nn.Module):
    """A frozen autoencoder, trained here for one-channel crops or taken from Stable Diffusion for RGB images.

    Parameters
    ----------
    vae
        The autoencoder; its weights no longer require gradients.
    """

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae.requires_grad_(False)
        # Every level of the encoder but its last halves the image.
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.channels = int(vae.config.latent_channels)

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Take the mean of what the encoder predicts, scaled to unit spread."""
        # Stable Diffusion's autoencoder takes RGB: a view with the grey values three times costs no memory.
        seen = images.expand(-1, self.vae.config.in_channels, -1, -1)
        return self.vae.encode(seen).latent_dist.mode() * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, encoded: Tensor) -> Tensor:
        """Decode, and take the mean of the channels where there are three."""
        return self.vae.decode(encoded / self.vae.config.scaling_factor).sample.mean(dim=1, keepdim=True)


def build_autoencoder(side_px: int, factor: int) -> AutoencoderKL:
    """Build an untrained one-channel autoencoder, with four channels in the encoded image.

    Parameters
    ----------
    side_px
        Side of the crops in pixels.
    factor
        2 or 4: ratio of the crop's side to that of the encoded image.

    Returns
    -------
    AutoencoderKL
        The network, with random weights of torch's global generator.
    """
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
        # Of no effect yet: it is set after the training, from the spread of what the encoder then gives.
        scaling_factor=1.0,
    )
