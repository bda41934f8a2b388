from pathlib import Path

import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.models.views import MultiViewModel
from raysynth.preparation.prepared import prepared_folder
from raysynth.train.loop import Trainer
from raysynth.train.views import Examples, ViewsTask, spectrum_of


@pytest.fixture
def config() -> Config:
    return Config.model_validate(
        {
            "name": "shapes",
            "data": {"root": "nowhere", "dimensions": 3, "voxel_um": [1, 1, 1]},
            "population": {"frame_px": [8, 64, 64]},
            "shapes": {"source": "plain", "max_degree": 4},
            "views": {
                "count": 4,
                "side_px": 16,
                "truncation_px": 4,
                "volume": 8,
                "channels": [8, 16],
                "volume_channels": 8,
                "sampler_steps": 2,
                "train": {"steps": 20, "batch": 4, "warmup": 5, "learning_rate": 3e-3, "threads": 1},
            },
        }
    )


def generators(*items: int, step: int = 0) -> list:
    return [generator(0, step, Stage.TRAINING, item) for item in items]


def loss(task: ViewsTask, *items: int, step: int = 0) -> torch.Tensor:
    return task.loss(task.model, task.batch(generators(*items, step=step)))


@pytest.mark.parametrize("metaballs", [0.0, 1.0])
def test_examples_are_views_of_one_shape_and_its_height(config: Config, metaballs: float) -> None:
    cameras = layout("spread", 8)
    examples = Examples(spectrum_of(config), metaballs, config.views)
    views, heights = examples(generators(0, 1, 2), cameras)
    hull = carve(views, cameras, 32)
    assert float(iou(project(hull, cameras, 16) > 0, views > 0).mean()) > 0.95
    tall = (hull > 0).any(dim=(2, 3)).sum(dim=1) * (2 / 32)
    # The hull of few views may rise above the cell, never stay below it by more than a voxel.
    assert (tall > heights - 2 / 32).all()
    assert (heights > 0.5).all()


def test_a_sample_depends_on_its_generator_alone(config: Config) -> None:
    task = ViewsTask(config)
    with torch.no_grad():
        single = torch.stack([loss(task, item) for item in (3, 4)]).mean()
        torch.testing.assert_close(loss(task, 3, 4), single, atol=1e-5, rtol=1e-4)
        assert not torch.equal(loss(task, 3, 4, step=1), single)


def test_both_families_are_drawn_by_their_share(config: Config) -> None:
    cameras, share = layout("spread", 4), 0.5
    mixed, stars, balls = (
        Examples(spectrum_of(config), metaballs, config.views)(generators(*range(12)), cameras)[0]
        for metaballs in (share, 0.0, 1.0)
    )
    of_stars = [bool((a - b).abs().max() < 1e-5) for a, b in zip(mixed, stars, strict=True)]
    of_balls = [bool((a - b).abs().max() < 1e-5) for a, b in zip(mixed, balls, strict=True)]
    assert [a != b for a, b in zip(of_stars, of_balls, strict=True)] == [True] * 12
    assert 2 <= sum(of_balls) <= 10


def test_half_precision_does_not_reach_the_shapes(config: Config) -> None:
    examples, cameras = Examples(spectrum_of(config), 0.5, config.views), layout("spread", 4)
    plain, _ = examples(generators(*range(6)), cameras)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(examples(generators(*range(6)), cameras)[0], plain)


def test_training_lowers_the_loss_and_reports_agreement(config: Config, tmp_path: Path) -> None:
    task = ViewsTask(config)
    held_out = lambda: generators(*range(16), step=10**6)  # noqa: E731
    with torch.no_grad():
        before = float(task.loss(task.model, task.batch(held_out())))
    result = Trainer(task, config.views.train, tmp_path, "cpu").fit()
    with torch.no_grad():
        after = float(task.loss(task.model, task.batch(held_out())))
    assert after < 0.9 * before
    assert set(result.figures) == {"held_out_loss", "agreement", "reprojection"}
    assert all(0 <= result.figures[name] <= 1 for name in ("agreement", "reprojection"))
    assert result.grid is not None
    assert result.grid.shape == (16 * 16, 4 * 16)


def test_the_measured_spectrum_is_that_of_the_prepared_data(config: Config, tmp_path: Path) -> None:
    measured = config.model_copy(
        update={"workspace": str(tmp_path), "shapes": config.shapes.model_copy(update={"source": "measured"})}
    )
    statistics = open_bundle("embryo-3d").info.statistics
    path = prepared_folder(measured) / "statistics.json"
    path.parent.mkdir(parents=True)
    path.write_text(statistics.to_json())
    assert spectrum_of(measured) == statistics.shapes
    path.write_text(statistics.model_copy(update={"shapes": None}).to_json())
    with pytest.raises(InputError, match="have no shapes: run `raysynth prepare` again"):
        spectrum_of(measured)


def test_the_network_follows_the_settings(config: Config) -> None:
    model = ViewsTask(config).model
    assert isinstance(model, MultiViewModel)
    assert torch.equal(model.cameras, layout("spread", 4))
    assert model.config.volume == 8


@pytest.mark.parametrize(
    "wrong", [{"channels": [12]}, {"volume_channels": 12}, {"channels": [8, 8, 8, 8], "volume": 24}]
)
def test_sizes_that_do_not_divide_are_refused(config: Config, wrong: dict[str, object]) -> None:
    views = config.views.model_dump() | wrong
    with pytest.raises(ValueError, match=r"multiples? of"):
        type(config.views).model_validate(views)
