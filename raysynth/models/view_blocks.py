"""Parts of SyncDreamer's network: residual blocks, the network of the shared volume, attention along depth."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EMBEDDING = 128
"""Channels of the embedding of time, height and camera."""

KEYS = 16
"""Channels of the keys and queries of the attention along depth."""


class ResidualBlock(nn.Module):
    """Two 3-wide convolutions in 2D or 3D, scaled and shifted by an embedding, beside a direct path.

    Parameters
    ----------
    dimensions
        2 or 3.
    channels_in, channels_out
        Channels, multiples of 8.
    """

    def __init__(self, dimensions: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        conv = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.norm1, self.norm2 = nn.GroupNorm(8, channels_in), nn.GroupNorm(8, channels_out)
        self.conv1 = conv(channels_in, channels_out, 3, padding=1)
        self.conv2 = conv(channels_out, channels_out, 3, padding=1)
        self.modulation = nn.Linear(EMBEDDING, 2 * channels_out)
        self.skip = nn.Identity() if channels_in == channels_out else conv(channels_in, channels_out, 1)
        # A fresh block passes its input on unchanged: deep networks start to learn at once.
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Apply the block.

        Parameters
        ----------
        x
            `(b, channels_in, ...)`.
        embedding
            `(b, EMBEDDING)`.

        Returns
        -------
        Tensor
            `(b, channels_out, ...)`.
        """
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        scale, shift = self.modulation(F.silu(embedding)).chunk(2, dim=1)
        # One pair per channel, for all pixels or voxels. 1 + scale, so that a modulation of zeros changes nothing.
        per_channel = (*scale.shape, *[1] * (h.ndim - 2))
        h = h * (1 + scale.reshape(per_channel)) + shift.reshape(per_channel)
        mixed: Tensor = self.skip(x) + self.conv2(F.silu(h))
        return mixed


class VolumeNetwork(nn.Module):
    """Mixes the shared volume at two scales.

    Parameters
    ----------
    channels_in, channels, channels_out
        Channels of the volume, within the network, and of what it gives.
    """

    def __init__(self, channels_in: int, channels: int, channels_out: int) -> None:
        super().__init__()
        self.enter = nn.Conv3d(channels_in, channels, 3, padding=1)
        self.fine = ResidualBlock(3, channels, channels)
        self.coarse = nn.ModuleList(
            [ResidualBlock(3, channels, 2 * channels), ResidualBlock(3, 2 * channels, channels)]
        )
        self.joined = ResidualBlock(3, channels, channels)
        self.leave = nn.Conv3d(channels, channels_out, 1)

    def forward(self, volume: Tensor, embedding: Tensor) -> Tensor:
        """Mix the volume.

        Parameters
        ----------
        volume
            `(b, channels_in, z, y, x)`.
        embedding
            `(b, EMBEDDING)`.

        Returns
        -------
        Tensor
            `(b, channels_out, z, y, x)`.
        """
        fine = self.fine(self.enter(volume), embedding)
        coarse = F.avg_pool3d(fine, 2)
        for block in self.coarse:
            coarse = block(coarse, embedding)
        mixed: Tensor = self.leave(self.joined(fine + F.interpolate(coarse, size=fine.shape[2:]), embedding))
        return mixed


class DepthAttention(nn.Module):
    """Each pixel attends over the samples of its own ray.

    With query q of the pixel, and key k_d, learned position p_d and value v_d of the sample at depth d, the pixel gains

        W Σ_d softmax_d(q · (k_d + p_d) / √KEYS) v_d.

    The softmax lets a pixel pick the depth at which the cell's surface lies. A mean over the ray would lose it.

    Parameters
    ----------
    channels
        Channels of the view's features.
    values
        Channels of the values.
    depth
        Samples along a ray.
    """

    def __init__(self, channels: int, values: int, depth: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, KEYS, 1)
        # Learned because keys are resampled values of the volume: they do not say how deep their sample lies.
        self.position = nn.Parameter(torch.zeros(KEYS, depth))
        self.leave = nn.Conv2d(values, channels, 1)

    def forward(self, x: Tensor, frustum: Tensor) -> Tensor:
        """Add to a view what it attends to.

        Parameters
        ----------
        x
            Features of views `(b, channels, h, w)`.
        frustum
            Keys, then values, along every pixel's ray: `(b, KEYS + values, depth, h, w)`.

        Returns
        -------
        Tensor
            `(b, channels, h, w)`.
        """
        keys, values = frustum.split([KEYS, frustum.shape[1] - KEYS], dim=1)
        query = self.query(x)
        # (b, KEYS, 1, h, w) times (b, KEYS, depth, h, w), summed over KEYS: a pixel has one query and its own keys.
        scores = (query[:, :, None] * (keys + self.position[None, :, :, None, None])).sum(dim=1) * KEYS**-0.5
        gained: Tensor = x + self.leave((values * scores.softmax(dim=1)[:, None]).sum(dim=2))
        return gained
