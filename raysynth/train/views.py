"""What SyncDreamer's training needs: endless shapes, Eq. 1, and metrics on shapes held out."""

from collections.abc import Sequence
from pathlib import Path

import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator, normal
from raysynth.config import ShapesConfig, ViewsConfig
from raysynth.geometry.cameras import layout
from raysynth.geometry.metaballs import draw_metaballs
from raysynth.geometry.outlines import soft_views
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import draw_stars
from raysynth.models.diffusion import noise_and_time, per_sample_loss, save_network, schedule
from raysynth.models.views import MultiViewModel, build_view_network, sample_views
from raysynth.preparation.prepared import Prepared
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.train.board import Evaluation, picture_grid
from raysynth.train.held_out import held_out_loss
from raysynth.train.start import model_of_start
from raysynth.train.task import SampleBatch

_HELD_OUT = 16
"""Shapes that an evaluation draws, each with all its views."""


def spectrum_of(shapes: ShapesConfig, statistics: PopulationStatistics) -> Spectrum:
    """Take the spectrum that the settings name.

    Parameters
    ----------
    shapes
        Settings of the shapes.
    statistics
        What `prepare` measured.

    Returns
    -------
    Spectrum
        The measured one, or the plain one of the settings.

    Raises
    ------
    InputError
        If it is to be the measured one and the prepared data have none.
    """
    if shapes.source == "plain":
        return Spectrum.plain(shapes)
    if statistics.shapes is None:
        raise InputError("the prepared data have no shapes: run `raysynth prepare` again")
    return statistics.shapes


class ShapeViews:
    """Random shapes and their views, made on the device: star-shaped ones, and some metaballs.

    Parameters
    ----------
    spectrum
        From which star-shaped ones are drawn.
    metaballs_fraction
        Fraction of shapes that are metaballs, 0 to 1.
    views
        Settings of the views: their side and truncation.
    """

    def __init__(self, spectrum: Spectrum, metaballs_fraction: float, views: ViewsConfig) -> None:
        self.spectrum, self.metaballs_fraction, self.views = spectrum, metaballs_fraction, views

    def __call__(self, rngs: Sequence[Generator], cameras: Tensor) -> tuple[Tensor, Tensor]:
        """Draw shapes and render them.

        Parameters
        ----------
        rngs
            One generator per shape.
        cameras
            `(n, 3, 3)`; the shapes are made on their device.

        Returns
        -------
        tuple of Tensor
            Signed distances of the views `(b, n, s, s)`, and each shape's height `(b,)` in a cube of side 2.
        """
        with torch.autocast(cameras.device.type, enabled=False):  # outlines need all of float32
            return self._render(rngs, cameras)

    def _render(self, rngs: Sequence[Generator], cameras: Tensor) -> tuple[Tensor, Tensor]:
        side, truncation_px, device = self.views.side_px, self.views.truncation_px, cameras.device
        seen = torch.empty(len(rngs), len(cameras), side, side, device=device)
        heights = torch.empty(len(rngs), device=device)
        # The first draw of each generator. A shape's kind is then its own, and each kind is made in one batch.
        balls = [rng.uniform() < self.metaballs_fraction for rng in rngs]
        if some := [i for i, ball in enumerate(balls) if ball]:
            bodies = draw_metaballs([rngs[i] for i in some], device=device)
            seen[some], heights[some] = bodies.soft_views(cameras, side, truncation_px), bodies.height
        if some := [i for i, ball in enumerate(balls) if not ball]:
            surfaces = draw_stars([rngs[i] for i in some], self.spectrum, device=device)
            seen[some] = soft_views(surfaces, cameras, side, truncation_px)
            heights[some] = surfaces.height
        return seen, heights


class ViewsTask:
    """Joint denoising of all views of random shapes.

    Parameters
    ----------
    prepared
        What `prepare` made; its spectrum of shapes counts.
    settings
        Settings of the views' model.
    shapes
        Settings of the shapes that it is trained on.

    Attributes
    ----------
    model
        The network: untrained, or the one that `settings.start` names.
    """

    name = "views"

    def __init__(self, prepared: Prepared, settings: ViewsConfig, shapes: ShapesConfig) -> None:
        self.settings = settings
        self.shape_views = ShapeViews(spectrum_of(shapes, prepared.statistics), shapes.metaballs, settings)
        found = model_of_start("views", settings.start)
        self.model: nn.Module = build_view_network(settings) if found is None else found[0]
        self.scheduler = schedule()
        self.cameras = layout(settings.layout, settings.count)

    def batch(self, rngs: Sequence[Generator]) -> SampleBatch:
        """Make all views of one fresh shape per generator on the model's device, with their heights; see `Task`."""
        x_0, heights = self.shape_views(rngs, self.cameras.to(next(self.model.parameters()).device))
        return SampleBatch(x_0, *noise_and_time(rngs, *x_0.shape[1:]), (heights,))

    def loss(self, model: nn.Module, batch: SampleBatch) -> Tensor:
        """Compute Eq. 1 over all views; see `Task`."""
        device = next(model.parameters()).device
        x_0, noise, t, heights = (x.to(device) for x in (*batch[:3], *batch.conditions))
        x_t = self.scheduler.add_noise(x_0, noise, t)
        # View 0 is the condition, and noisy among the views as well: the network denoises it like the others.
        return per_sample_loss(self.scheduler, model(x_t, t, x_0[:, :1], heights), x_0, noise, t).mean()

    @torch.no_grad()
    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Measure how well the views of held-out shapes agree with one another and with the conditioning mask.

        Parameters
        ----------
        model
            The network with its averaged weights.
        seed
            Random seed of the shapes.

        Returns
        -------
        Evaluation
            `agreement`: IoU of the views with the projections of the hull that they carve. `reprojection`: IoU of the
            conditioning mask with the projection of the hull carved by all other views. The picture has one shape per
            row.
        """
        assert isinstance(model, MultiViewModel)
        model.eval()
        cameras, side = model.cameras, self.settings.side_px
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(_HELD_OUT)]
        truth, heights = self.shape_views(rngs, cameras)
        noise = torch.stack([normal(rng, *truth.shape[1:]) for rng in rngs]).to(cameras.device)
        views = sample_views(model, truth[:, :1], heights, noise, self.scheduler, self.settings.sampler_steps)
        # A hull never sees more than any of its views: it fills them only where all views agree.
        agreeing = project(carve(views, cameras, side), cameras, side)
        # Without view 0, which is the mask itself: do the predicted views alone bring it back?
        above = project(carve(views[:, 1:], cameras[1:], side), cameras[:1], side)
        held_out = self.batch([generator(seed, 1, Stage.EVALUATION, i) for i in range(_HELD_OUT)])
        metrics = {
            "held_out_loss": held_out_loss(self, model, held_out),
            "agreement": float(iou(agreeing > 0, views > 0).mean()),
            "reprojection": float(iou(above > 0, truth[:, :1] > 0).mean()),
        }
        return Evaluation(metrics, picture_grid(views.flatten(0, 1), columns=views.shape[1]) / 2 + 0.5)

    def save(self, folder: Path) -> None:
        """Write the network in half precision, and its schedule; see `ModelTask`."""
        save_network(folder, self.model, self.scheduler)
