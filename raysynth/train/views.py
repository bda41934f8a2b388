"""What SyncDreamer's training needs: endless shapes, Eq. 1, and figures on shapes held out."""

from collections.abc import Sequence

import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator, normal
from raysynth.config import Config, ViewsConfig
from raysynth.geometry import metaballs, outlines, stars
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.geometry.spectrum import Spectrum
from raysynth.models.diffusion import noise_and_time, per_sample_loss, schedule
from raysynth.models.views import MultiViewModel, sample
from raysynth.train.board import Evaluation
from raysynth.train.crops import load_statistics
from raysynth.train.held_out import Batch, held_out_loss
from raysynth.train.masks import tile
from raysynth.train.start import view_network

_HELD_OUT = 16


def network(config: ViewsConfig) -> MultiViewModel:
    """An untrained SyncDreamer."""
    return MultiViewModel(
        layout=config.layout,
        count=config.count,
        side=config.side_px,
        fold=config.fold,
        volume=config.volume,
        channels=config.channels,
        volume_channels=config.volume_channels,
    )


def spectrum_of(config: Config) -> Spectrum:
    """The spectrum that the settings name; InputError where the prepared data have none."""
    if config.shapes.source == "plain":
        return Spectrum.plain(config.shapes)
    measured = load_statistics(config).shapes
    if measured is None:
        raise InputError(f"the prepared data of {config.name} have no shapes: run `raysynth prepare` again.")
    return measured


class Examples:
    """Random shapes as their soft views, drawn and rendered on the device: star-shaped ones, and some metaballs."""

    def __init__(self, spectrum: Spectrum, metaballs_share: float, views: ViewsConfig) -> None:
        self.spectrum, self.share, self.views = spectrum, metaballs_share, views

    def __call__(self, rngs: Sequence[Generator], cameras: Tensor) -> tuple[Tensor, Tensor]:
        """One shape from each generator: soft masks of its views `(b, n, s, s)` and its height `(b,)`."""
        with torch.autocast(cameras.device.type, enabled=False):  # outlines need all of float32
            return self._render(rngs, cameras)

    def _render(self, rngs: Sequence[Generator], cameras: Tensor) -> tuple[Tensor, Tensor]:
        side, truncation_px, device = self.views.side_px, self.views.truncation_px, cameras.device
        seen = torch.empty(len(rngs), len(cameras), side, side, device=device)
        heights = torch.empty(len(rngs), device=device)
        balls = [rng.uniform() < self.share for rng in rngs]
        if some := [i for i, ball in enumerate(balls) if ball]:
            bodies = metaballs.draw([rngs[i] for i in some], device=device)
            seen[some], heights[some] = bodies.soft_views(cameras, side, truncation_px), bodies.height
        if some := [i for i, ball in enumerate(balls) if not ball]:
            surfaces = stars.draw([rngs[i] for i in some], self.spectrum, device=device)
            seen[some] = outlines.soft_views(surfaces, cameras, side, truncation_px)
            heights[some] = surfaces.height
        return seen, heights


class ViewsTask:
    """SyncDreamer's data and loss for the shared loop."""

    name = "views"

    def __init__(self, config: Config) -> None:
        self.views = config.views
        self.examples = Examples(spectrum_of(config), config.shapes.metaballs, config.views)
        self.model: nn.Module = view_network(config) or network(config.views)
        self.scheduler = schedule()
        self.cameras = layout(config.views.layout, config.views.count)

    def batch(self, rngs: Sequence[Generator]) -> Batch:
        """All views of one fresh shape a generator, rendered on the model's device, and the shapes' heights."""
        x_0, heights = self.examples(rngs, self.cameras.to(next(self.model.parameters()).device))
        return Batch(x_0, *noise_and_time(rngs, *x_0.shape[1:]), (heights,))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Eq. 1 over all views."""
        device = next(model.parameters()).device
        x_0, noise, t, heights = (x.to(device) for x in (*batch[:3], *batch.conditions))
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
        truth, heights = self.examples(rngs, cameras)
        noise = torch.stack([normal(rng, *truth.shape[1:]) for rng in rngs]).to(cameras.device)
        views = sample(model, truth[:, :1], heights, noise, self.scheduler, self.views.sampler_steps)
        agreeing = project(carve(views, cameras, side), cameras, side)
        above = project(carve(views[:, 1:], cameras[1:], side), cameras[:1], side)
        held_out = self.batch([generator(seed, 1, Stage.EVALUATION, i) for i in range(_HELD_OUT)])
        figures = {
            "held_out_loss": held_out_loss(self, model, held_out),
            "agreement": float(iou(agreeing > 0, views > 0).mean()),
            "reprojection": float(iou(above > 0, truth[:, :1] > 0).mean()),
        }
        return Evaluation(figures, tile(views.flatten(0, 1), columns=views.shape[1]) / 2 + 0.5)
