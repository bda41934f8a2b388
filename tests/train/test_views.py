from pathlib import Path

import pytest
import torch

from raysynth.cascade.views import MultiViewModel
from raysynth.config import Config
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.seeds import Stage, generator
from raysynth.train.loop import Trainer
from raysynth.train.views import ViewsTask, examples


@pytest.fixture
def config() -> Config:
    return Config.model_validate(
        {
            "name": "shapes",
            "data": {"root": "nowhere", "dimensions": 3, "voxel_um": [1, 1, 1]},
            "population": {"frame_px": [8, 64, 64]},
            "shapes": {"max_degree": 4, "axial_ratio": [0.6, 2.0]},
            "views": {
                "count": 4,
                "side_px": 16,
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


def test_examples_are_views_of_one_shape_and_its_height(config: Config) -> None:
    cameras = layout("spread", 8)
    views, heights = examples(generators(0, 1, 2), config.shapes, config.views, cameras)
    hull = carve(views, cameras, 32)
    assert float(iou(project(hull, cameras, 16) > 0, views > 0).mean()) > 0.95
    tall = (hull > 0).any(dim=(2, 3)).sum(dim=1) * (2 / 32)
    # The hull of few views may rise above the cell, never stay below it by more than a voxel.
    assert (tall > heights - 2 / 32).all()
    assert (heights > 0.5).all()


def test_a_sample_depends_on_its_generator_alone(config: Config) -> None:
    task = ViewsTask(config)
    with torch.no_grad():
        single = torch.stack([task.loss(task.model, generators(item)) for item in (3, 4)]).mean()
        torch.testing.assert_close(task.loss(task.model, generators(3, 4)), single, atol=1e-5, rtol=1e-4)
        assert not torch.equal(task.loss(task.model, generators(3, 4, step=1)), single)


def test_training_lowers_the_loss_and_reports_agreement(config: Config, tmp_path: Path) -> None:
    task = ViewsTask(config)
    held_out = generators(*range(16), step=10**6)
    with torch.no_grad():
        before = float(task.loss(task.model, held_out))
    result = Trainer(task, config.views.train, tmp_path, "cpu").fit()
    with torch.no_grad():
        after = float(task.loss(task.model, held_out))
    assert after < 0.9 * before
    assert set(result.figures) == {"agreement", "reprojection"}
    assert all(0 <= value <= 1 for value in result.figures.values())
    assert result.grid is not None
    assert result.grid.shape == (16 * 16, 4 * 16)


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
    with pytest.raises(ValueError, match="multiples of"):
        type(config.views).model_validate(views)
