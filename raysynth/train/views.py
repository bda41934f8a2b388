"""What SyncDreamer's training needs: endless shapes, Eq. 1, and figures on shapes held out."""

from collections.abc import Sequence

import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.cascade.diffusion import noise_and_time, per_sample_loss, schedule
from raysynth.cascade.views import MultiViewModel, sample
from raysynth.config import Config, ShapesConfig, ViewsConfig
from raysynth.geometry import harmonics
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, iou, project, soft_masks
from raysynth.seeds import Stage, generator, normal
from raysynth.train.loop import Evaluation
from raysynth.train.masks import tile

_HELD_OUT = 16


def network(config: ViewsConfig) -> MultiViewModel:
    """An untrained SyncDreamer."""
    return MultiViewModel(
        layout=config.layout,
        count=config.count,
        side=config.side_px,
        volume=config.volume,
        channels=config.channels,
        volume_channels=config.volume_channels,
    )


def examples(
    rngs: Sequence[Generator], shapes: ShapesConfig, views: ViewsConfig, cameras: Tensor
) -> tuple[Tensor, Tensor]:
    """One random shape from each generator: soft masks of its views `(b, n, s, s)` and its height `(b,)`."""
    drawn = harmonics.draw(rngs, shapes, cameras.device)
    seen = project(harmonics.fields(drawn, views.side_px), cameras, views.side_px)
    return soft_masks(seen, views.truncation_px), drawn.height


class ViewsTask:
    """SyncDreamer's data and loss for the shared loop."""

    name = "views"

    def __init__(self, config: Config) -> None:
        self.shapes, self.views = config.shapes, config.views
        self.model: nn.Module = network(config.views)
        self.scheduler = schedule()
        self.cameras = layout(config.views.layout, config.views.count)

    def loss(self, model: nn.Module, rngs: Sequence[Generator]) -> Tensor:
        """Eq. 1 over all views of one fresh shape a generator."""
        cameras = self.cameras.to(next(model.parameters()).device)
        x_0, heights = examples(rngs, self.shapes, self.views, cameras)
        noise, t = (tensor.to(x_0.device) for tensor in noise_and_time(rngs, *x_0.shape[1:]))
        x_t = self.scheduler.add_noise(x_0, noise, t)
        return per_sample_loss(self.scheduler, model(x_t, t, x_0[:, :1], heights), x_0, noise, t).mean()

    @torch.no_grad()
    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """How well the views of held-out shapes agree with one another and with the conditioning mask.

        agreement: IoU of the views with the projections of the hull they carve. reprojection: IoU of the conditioning
        mask with the projection of the hull carved by all other views. The picture has one shape a row.
        """
        assert isinstance(model, MultiViewModel)
        model.eval()
        cameras, side = model.cameras, self.views.side_px
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(_HELD_OUT)]
        truth, heights = examples(rngs, self.shapes, self.views, cameras)
        noise = torch.stack([normal(rng, *truth.shape[1:]) for rng in rngs]).to(cameras.device)
        views = sample(model, truth[:, :1], heights, noise, self.scheduler, self.views.sampler_steps)
        agreeing = project(carve(views, cameras, side), cameras, side)
        above = project(carve(views[:, 1:], cameras[1:], side), cameras[:1], side)
        figures = {
            "agreement": float(iou(agreeing > 0, views > 0).mean()),
            "reprojection": float(iou(above > 0, truth[:, :1] > 0).mean()),
        }
        return Evaluation(figures, tile(views.flatten(0, 1), columns=views.shape[1]) / 2 + 0.5)
