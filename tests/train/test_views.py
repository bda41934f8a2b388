from pathlib import Path

import pytest
import torch
from numpy.random import Generator

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle_info import read_info
from raysynth.config import ShapesConfig, ViewsConfig
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.geometry.spectrum import Spectrum
from raysynth.models.views import MultiViewModel
from raysynth.preparation.prepared import Prepared
from raysynth.train import views as view_training
from raysynth.train.loop import Trainer
from raysynth.train.views import ShapeViews, ViewsTask, spectrum_of

SHAPES = ShapesConfig(source="plain", max_degree=4)
PLAIN = Spectrum.plain(SHAPES)


@pytest.fixture
def views() -> ViewsConfig:
    return ViewsConfig.model_validate(
        {
            "count": 4,
            "side_px": 16,
            "truncation_px": 4,
            "volume": 8,
            "channels": [8, 16],
            "volume_channels": 8,
            "sampler_steps": 2,
            "train": {"steps": 20, "batch": 4, "warmup": 5, "learning_rate": 3e-3, "threads": 1},
        }
    )


@pytest.fixture
def task(prepared: Prepared, views: ViewsConfig) -> ViewsTask:
    return ViewsTask(prepared, views, SHAPES)


def generators(*items: int, step: int = 0) -> list[Generator]:
    return [generator(0, step, Stage.TRAINING, item) for item in items]


def loss(task: ViewsTask, *items: int, step: int = 0) -> torch.Tensor:
    return task.loss(task.model, task.batch(generators(*items, step=step)))


@pytest.mark.parametrize("metaballs", [0.0, 1.0])
def test_examples_are_views_of_one_shape_and_its_height(views: ViewsConfig, metaballs: float) -> None:
    cameras = layout("spread", 8)
    seen, heights = ShapeViews(PLAIN, metaballs, views)(generators(0, 1, 2), cameras)
    hull = carve(seen, cameras, 32)
    assert float(iou(project(hull, cameras, 16) > 0, seen > 0).mean()) > 0.95
    tall = (hull > 0).any(dim=(2, 3)).sum(dim=1) * (2 / 32)
    # The hull of few views may rise above the cell, never stay below it by more than a voxel.
    assert (tall > heights - 2 / 32).all()
    assert (heights > 0.5).all()


def test_a_sample_depends_on_its_generator_alone(task: ViewsTask) -> None:
    with torch.no_grad():
        single = torch.stack([loss(task, item) for item in (3, 4)]).mean()
        torch.testing.assert_close(loss(task, 3, 4), single, atol=1e-5, rtol=1e-4)
        assert not torch.equal(loss(task, 3, 4, step=1), single)


def test_both_families_are_drawn_by_their_fraction(views: ViewsConfig) -> None:
    cameras = layout("spread", 4)
    mixed, stars, balls = (
        ShapeViews(PLAIN, metaballs, views)(generators(*range(12)), cameras)[0] for metaballs in (0.5, 0.0, 1.0)
    )
    of_stars = [bool((a - b).abs().max() < 1e-5) for a, b in zip(mixed, stars, strict=True)]
    of_balls = [bool((a - b).abs().max() < 1e-5) for a, b in zip(mixed, balls, strict=True)]
    assert [a != b for a, b in zip(of_stars, of_balls, strict=True)] == [True] * 12
    assert 2 <= sum(of_balls) <= 10


def test_half_precision_does_not_reach_the_shapes(views: ViewsConfig) -> None:
    examples, cameras = ShapeViews(PLAIN, 0.5, views), layout("spread", 4)
    plain, _ = examples(generators(*range(6)), cameras)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(examples(generators(*range(6)), cameras)[0], plain)


def test_training_lowers_the_loss_and_reports_agreement(task: ViewsTask, views: ViewsConfig, tmp_path: Path) -> None:
    with torch.no_grad():
        before = float(task.loss(task.model, task.batch(generators(*range(16), step=10**6))))
    result = Trainer(task, views.train, tmp_path, "cpu").fit()
    with torch.no_grad():
        after = float(task.loss(task.model, task.batch(generators(*range(16), step=10**6))))
    assert after < 0.9 * before
    assert set(result.metrics) == {"held_out_loss", "agreement", "reprojection"}
    assert result.metrics["held_out_loss"] < before
    assert result.grid is not None
    assert result.grid.shape == (16 * 16, 4 * 16)


def test_views_that_agree_are_told_from_others(
    task: ViewsTask, views: ViewsConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = layout("spread", 4)
    truth, _ = task.shape_views([generator(0, 0, Stage.EVALUATION, i) for i in range(16)], cameras)
    metrics = []
    for drawn in (truth, truth.roll(1, dims=0)):
        mixed = torch.cat([truth[:, :1], drawn[:, 1:]], dim=1)
        monkeypatch.setattr(view_training, "sample_views", lambda *arguments, mixed=mixed: mixed)
        metrics.append(task.evaluate(task.model, seed=0).metrics)
    for name in ("agreement", "reprojection"):
        assert metrics[0][name] > metrics[1][name] + 0.02


def test_the_measured_spectrum_is_that_of_the_prepared_data() -> None:
    statistics = read_info("embryo-3d").statistics
    measured = SHAPES.with_(source="measured")
    assert spectrum_of(measured, statistics) == statistics.shapes
    with pytest.raises(InputError, match="have no shapes: run `raysynth prepare` again"):
        spectrum_of(measured, statistics.model_copy(update={"shapes": None}))


def test_the_network_follows_the_settings(task: ViewsTask) -> None:
    assert isinstance(task.model, MultiViewModel)
    assert torch.equal(task.model.cameras, layout("spread", 4))
    assert task.model.config.volume == 8


@pytest.mark.parametrize(
    "wrong", [{"channels": [12]}, {"volume_channels": 12}, {"channels": [8, 8, 8, 8], "volume": 24}]
)
def test_sizes_that_do_not_divide_are_refused(views: ViewsConfig, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"multiples? of"):
        views.with_(**wrong)
