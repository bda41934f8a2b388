"""SyncDreamer (Liu 2024) on soft masks: N views of one cell, denoised jointly.

Every noisy view x_t^(i) is encoded and back-projected into one shared volume, beside the conditioning mask y stretched
to the cell's height; a 3D network mixes the volume; each view's frustum is resampled from it and enters that view's
UNet by depth-wise attention. The objective is Eq. 1 of Yilmaz et al. (2025), E || eps - eps_theta(x_t^(1:N), y, t) ||,
in its v-prediction form. Views are small one-channel images, so the network has about a million weights.

A view from above says nothing of height, so the height is a second condition: it is drawn from the data set.
"""

import itertools
from typing import Literal

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, DDIMScheduler, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import Tensor, nn

from raysynth.geometry.cameras import layout as camera_layout
from raysynth.geometry.cameras import pixel_centres
from raysynth.models.diffusion import denoise
from raysynth.models.feature_volume import BackProjection, Frustums
from raysynth.models.signed_distance import fold, unfold

_EMBEDDING = 128
_KEYS = 16


class Block(nn.Module):
    """Residual block of two 3-wide convolutions in 2D or 3D, scaled and shifted by an embedding."""

    def __init__(self, dimensions: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        conv = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.norm1, self.norm2 = nn.GroupNorm(8, channels_in), nn.GroupNorm(8, channels_out)
        self.conv1 = conv(channels_in, channels_out, 3, padding=1)
        self.conv2 = conv(channels_out, channels_out, 3, padding=1)
        self.modulation = nn.Linear(_EMBEDDING, 2 * channels_out)
        self.skip = nn.Identity() if channels_in == channels_out else conv(channels_in, channels_out, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """x: `(b, c, ...)`, embedding: `(b, e)`."""
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        scale, shift = self.modulation(F.silu(embedding)).chunk(2, dim=1)
        per_channel = (*scale.shape, *[1] * (h.ndim - 2))
        h = h * (1 + scale.reshape(per_channel)) + shift.reshape(per_channel)
        return self.skip(x) + self.conv2(F.silu(h))


class VolumeNetwork(nn.Module):
    """Mixes the shared volume at two scales."""

    def __init__(self, channels_in: int, channels: int, channels_out: int) -> None:
        super().__init__()
        self.enter = nn.Conv3d(channels_in, channels, 3, padding=1)
        self.fine = Block(3, channels, channels)
        self.coarse = nn.ModuleList([Block(3, channels, 2 * channels), Block(3, 2 * channels, channels)])
        self.joined = Block(3, channels, channels)
        self.leave = nn.Conv3d(channels, channels_out, 1)

    def forward(self, volume: Tensor, embedding: Tensor) -> Tensor:
        """`(b, channels_in, z, y, x)` to `(b, channels_out, z, y, x)`."""
        fine = self.fine(self.enter(volume), embedding)
        coarse = F.avg_pool3d(fine, 2)
        for block in self.coarse:
            coarse = block(coarse, embedding)
        return self.leave(self.joined(fine + F.interpolate(coarse, size=fine.shape[2:]), embedding))


class DepthAttention(nn.Module):
    """Each pixel attends over the samples of its own ray."""

    def __init__(self, channels: int, values: int, depth: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, _KEYS, 1)
        self.position = nn.Parameter(torch.zeros(_KEYS, depth))
        self.leave = nn.Conv2d(values, channels, 1)

    def forward(self, x: Tensor, frustum: Tensor) -> Tensor:
        """x: `(b, c, h, w)`; frustum: keys and values `(b, keys + values, depth, h, w)`."""
        keys, values = frustum.split([_KEYS, frustum.shape[1] - _KEYS], dim=1)
        query = self.query(x)
        scores = (query[:, :, None] * (keys + self.position[None, :, :, None, None])).sum(dim=1) * _KEYS**-0.5
        return x + self.leave((values * scores.softmax(dim=1)[:, None]).sum(dim=2))


class MultiViewModel(ModelMixin, ConfigMixin):
    """SyncDreamer's joint denoiser eps_theta(x_t^(1:N), y, t), predicting v.

    layout, count: the cameras; camera 0 is the conditioning view. side: pixels of a view. fold: pixels folded into
    channels along each axis. volume: voxels along a side of the shared volume. channels: of the view UNet, from the
    folded resolution down. volume_channels: of the shared volume.
    """

    @register_to_config
    def __init__(
        self,
        layout: Literal["spread", "ring"] = "spread",
        count: int = 16,
        side: int = 64,
        fold: int = 4,
        volume: int = 16,
        channels: tuple[int, ...] = (64, 96),
        volume_channels: int = 32,
    ) -> None:
        super().__init__()
        cameras = camera_layout(layout, count)
        first, folded, depth = channels[0], side // fold, volume // 2
        self.register_buffer("cameras", cameras, persistent=False)
        self.time = nn.Sequential(Timesteps(64, True, 0), TimestepEmbedding(64, _EMBEDDING))
        self.height = TimestepEmbedding(1, _EMBEDDING)
        self.camera = TimestepEmbedding(9, _EMBEDDING)
        self.enter = nn.Conv2d(2 * fold**2, first, 3, padding=1)
        self.encode = Block(2, first, first)
        self.to_volume = nn.Conv2d(first, volume_channels // 2, 1)
        self.back_projection = BackProjection(cameras, folded, volume)
        self.mix = VolumeNetwork(volume_channels + 3, volume_channels, _KEYS + volume_channels)
        self.frustums = Frustums(cameras, folded, volume, depth)
        self.attend = nn.ModuleList(DepthAttention(c, volume_channels, depth >> i) for i, c in enumerate(channels))
        self.down = nn.ModuleList(Block(2, c, c) for c in channels)
        pairs = list(itertools.pairwise(channels))
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 3, stride=2, padding=1) for fine, coarse in pairs)
        self.grow = nn.ModuleList(nn.Conv2d(coarse, fine, 3, padding=1) for fine, coarse in pairs)
        self.up = nn.ModuleList(Block(2, c, c) for c in channels)
        self.leave = nn.Sequential(nn.GroupNorm(8, first), nn.SiLU(), nn.Conv2d(first, fold**2, 3, padding=1))

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor, heights: Tensor) -> Tensor:
        """The predicted v `(b, n, s, s)`.

        x_t: noisy views `(b, n, s, s)`; t: `(b,)`; condition: soft mask y `(b, 1, s, s)`; heights: the cell's extent
        along z `(b,)` in units of the cube, whose side is 2.
        """
        b, n = x_t.shape[:2]
        of_cell = self.time(t) + self.height(heights[:, None])
        of_view = (of_cell[:, None] + self.camera(self.cameras.flatten(1))).flatten(0, 1)
        seen = torch.cat([x_t.flatten(0, 1)[:, None], condition.repeat_interleave(n, dim=0)], dim=1)
        x = self.encode(self.enter(fold(seen, self.config.fold).contiguous(memory_format=torch.channels_last)), of_view)
        shared = self.back_projection(self.to_volume(x).unflatten(0, (b, n)))
        shared = torch.cat([shared, self.prism(condition, heights)], dim=1)
        mixed = self.mix(shared.contiguous(memory_format=torch.channels_last_3d), of_cell)
        return self._view_unet(x, self.frustums(mixed).flatten(0, 1), of_view).unflatten(0, (b, n))

    def prism(self, condition: Tensor, heights: Tensor) -> Tensor:
        """What mask and height say of the cell, `(b, 3, z, y, x)`: the mask along z, the slab, and where they meet."""
        side, volume = condition.shape[-1], self.config.volume
        mask = F.adaptive_avg_pool2d(condition, volume)[:, :, None].expand(-1, -1, volume, -1, -1)
        above = heights[:, None] / 2 - pixel_centres(volume).to(heights).abs()
        slab = (above * (side / 8)).clamp(-1, 1)[:, None, :, None, None].expand_as(mask)
        return torch.cat([mask, slab, torch.minimum(mask, slab)], dim=1)

    def _view_unet(self, x: Tensor, frustum: Tensor, embedding: Tensor) -> Tensor:
        kept = []
        for level, (attend, block) in enumerate(zip(self.attend, self.down, strict=True)):
            if level > 0:
                x = self.shrink[level - 1](x)
                frustum = F.avg_pool3d(frustum, 2)
            x = block(attend(x, frustum), embedding)
            kept.append(x)
        x = self.up[-1](x, embedding)
        for level in reversed(range(len(self.grow))):
            x = self.grow[level](F.interpolate(x, scale_factor=2.0)) + kept[level]
            x = self.up[level](x, embedding)
        return unfold(self.leave(x), self.config.fold)[:, 0]


@torch.no_grad()
def sample(
    model: MultiViewModel, condition: Tensor, heights: Tensor, noise: Tensor, scheduler: DDIMScheduler, steps: int
) -> Tensor:
    """Soft masks of N consistent views `(b, n, s, s)`; view 0 is the conditioning mask itself.

    condition: `(b, 1, s, s)`; heights: `(b,)`, as in training; noise: `(b, n, s, s)`, drawn per sample by the caller.
    """
    views = denoise(lambda x_t, t: model(x_t, t, condition, heights), noise, scheduler, steps).clamp(-1, 1)
    views[:, :1] = condition
    return views
