"""SyncDreamer (Liu 2024) on signed distances: N views of one cell, denoised jointly.

Every noisy view x_t^(i) is encoded and back-projected into one shared volume, beside the conditioning mask y stretched
to the cell's height. A 3D network mixes the volume. Each view's frustum is resampled from it and enters that view's
UNet by attention along depth. The objective is Eq. 1 of Yilmaz et al. (2025),

    E ‖ ε - ε_θ(x_t^(1:N), y, t) ‖²,

in its velocity form: the same noise ε is predicted by way of v = α ε - σ x_0 (see `models.diffusion`). Views are small
one-channel images, so the network has about a million weights.

A view from above says nothing of height, so the height is a second condition: it is drawn from the data set.
"""

import itertools
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, DDIMScheduler, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import Tensor, nn

from raysynth.config import ViewsConfig
from raysynth.geometry.cameras import layout as camera_layout
from raysynth.geometry.cameras import pixel_centres
from raysynth.models.diffusion import denoise
from raysynth.models.feature_volume import BackProjection, Frustums
from raysynth.models.signed_distance import fold, unfold
from raysynth.models.view_blocks import EMBEDDING, KEYS, DepthAttention, ResidualBlock, VolumeNetwork


class MultiViewModel(ModelMixin, ConfigMixin):
    """SyncDreamer's joint denoiser of all views, which predicts velocities.

    Parameters
    ----------
    layout, count
        The cameras; camera 0 is the conditioning view, along z.
    side
        Pixels of a view along each axis.
    fold
        Pixels folded into channels along each axis.
    volume
        Voxels along a side of the shared volume.
    channels
        Of the UNet of the views, from the folded resolution down.
    volume_channels
        Channels of the shared volume.
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
        self.time = nn.Sequential(Timesteps(64, True, 0), TimestepEmbedding(64, EMBEDDING))
        self.height = TimestepEmbedding(1, EMBEDDING)
        self.camera = TimestepEmbedding(9, EMBEDDING)
        self.enter = nn.Conv2d(2 * fold**2, first, 3, padding=1)
        self.encode = ResidualBlock(2, first, first)
        self.to_volume = nn.Conv2d(first, volume_channels // 2, 1)
        self.back_projection = BackProjection(cameras, folded, volume)
        self.mix = VolumeNetwork(volume_channels + 3, volume_channels, KEYS + volume_channels)
        self.frustums = Frustums(cameras, folded, volume, depth)
        # Each coarser level averages the frustum over depth too: `depth >> i` samples remain of a ray.
        self.attend = nn.ModuleList(DepthAttention(c, volume_channels, depth >> i) for i, c in enumerate(channels))
        self.down = nn.ModuleList(ResidualBlock(2, c, c) for c in channels)
        pairs = list(itertools.pairwise(channels))
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 3, stride=2, padding=1) for fine, coarse in pairs)
        self.grow = nn.ModuleList(nn.Conv2d(coarse, fine, 3, padding=1) for fine, coarse in pairs)
        self.up = nn.ModuleList(ResidualBlock(2, c, c) for c in channels)
        self.leave = nn.Sequential(nn.GroupNorm(8, first), nn.SiLU(), nn.Conv2d(first, fold**2, 3, padding=1))

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor, heights: Tensor) -> Tensor:
        """Predict the velocity of noisy views.

        Parameters
        ----------
        x_t
            Noisy views of b cells `(b, n, s, s)`.
        t
            Timesteps `(b,)`.
        condition
            Signed distance of the mask seen along z, `(b, 1, s, s)`.
        heights
            The cells' extent along z `(b,)`, in units of the cube, whose side is 2.

        Returns
        -------
        Tensor
            `(b, n, s, s)`.
        """
        b, n = x_t.shape[:2]
        # The volume belongs to the cell: it gets time and height alone. Views also get their camera's nine numbers.
        of_cell = self.time(t) + self.height(heights[:, None])
        of_view = (of_cell[:, None] + self.camera(self.cameras.flatten(1))).flatten(0, 1)
        # Views of one cell stand together: `repeat_interleave` gives each of them the mask of its own cell.
        seen = torch.cat([x_t.flatten(0, 1)[:, None], condition.repeat_interleave(n, dim=0)], dim=1)
        x = self.encode(self.enter(fold(seen, self.config.fold).contiguous(memory_format=torch.channels_last)), of_view)
        shared = self.back_projection(self.to_volume(x).unflatten(0, (b, n)))
        shared = torch.cat([shared, self.prism(condition, heights)], dim=1)
        mixed = self.mix(shared.contiguous(memory_format=torch.channels_last_3d), of_cell)
        return self._view_unet(x, self.frustums(mixed).flatten(0, 1), of_view).unflatten(0, (b, n))

    def prism(self, condition: Tensor, heights: Tensor) -> Tensor:
        """Put what mask and height say of a cell into the shared volume.

        Parameters
        ----------
        condition, heights
            As in `forward`.

        Returns
        -------
        Tensor
            `(b, 3, z, y, x)` in [-1, 1]: the mask along z, the slab between bottom and top, and where they meet. Each
            is a signed distance to its own surface, so that the smaller of two is that of the intersection.
        """
        side, volume = condition.shape[-1], self.config.volume
        mask = F.adaptive_avg_pool2d(condition, volume)[:, :, None].expand(-1, -1, volume, -1, -1)
        above = heights[:, None] / 2 - pixel_centres(volume).to(heights).abs()
        # A unit of the cube is side / 2 pixels of a view: the slab's distance is cut off at 4 of them.
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
            # Enlarged, then convolved: a transposed convolution can leave a checkerboard.
            x = self.grow[level](F.interpolate(x, scale_factor=2.0)) + kept[level]
            x = self.up[level](x, embedding)
        return unfold(self.leave(x), self.config.fold)[:, 0]


def build_view_network(config: ViewsConfig) -> MultiViewModel:
    """Build an untrained SyncDreamer.

    Parameters
    ----------
    config
        Settings of the views' model.

    Returns
    -------
    MultiViewModel
        The network, with random weights of torch's global generator.
    """
    return MultiViewModel(
        layout=config.layout,
        count=config.count,
        side=config.side_px,
        fold=config.fold,
        volume=config.volume,
        channels=config.channels,
        volume_channels=config.volume_channels,
    )


def open_view_model(folder: Path) -> tuple[MultiViewModel, DDIMScheduler]:
    """Open a saved SyncDreamer.

    Parameters
    ----------
    folder
        The model's folder in a bundle.

    Returns
    -------
    tuple of MultiViewModel and DDIMScheduler
        The network and its noise schedule.
    """
    return MultiViewModel.from_pretrained(folder), DDIMScheduler.from_pretrained(folder)


@torch.no_grad()
def sample_views(
    model: MultiViewModel, condition: Tensor, heights: Tensor, noise: Tensor, scheduler: DDIMScheduler, steps: int
) -> Tensor:
    """Draw N consistent views of each cell.

    Parameters
    ----------
    model, scheduler
        A SyncDreamer and its noise schedule.
    condition
        Signed distance of the mask seen along z, `(b, 1, s, s)`.
    heights
        The cells' extent along z `(b,)`, as in training.
    noise
        Standard normal `(b, n, s, s)`, drawn by the caller per cell.
    steps
        DDIM steps.

    Returns
    -------
    Tensor
        Signed distances of the views `(b, n, s, s)` in [-1, 1]; view 0 is the conditioning mask itself.
    """
    views = denoise(lambda x_t, t: model(x_t, t, condition, heights), noise, scheduler, steps).clamp(-1, 1)
    views[:, :1] = condition
    return views
