import numpy as np
import torch

from raysynth.config import Config
from raysynth.seeds import Stage, generator
from raysynth.train.masks import MaskTask, tile


def test_the_loss_depends_on_the_samples_generators_alone(trainable: Config) -> None:
    task = MaskTask(trainable)
    rngs = lambda: [generator(0, 3, Stage.TRAINING, i) for i in range(4)]  # noqa: E731
    losses = [task.loss(task.model, task.batch(rngs())) for _ in range(2)]
    assert torch.equal(*losses)
    assert losses[0].requires_grad


def test_its_figures_say_how_many_masks_are_refused(trainable: Config) -> None:
    task = MaskTask(trainable)
    result = task.evaluate(task.model, seed=0)
    assert 0 <= result.figures["rejected"] <= 1
    assert result.grid is not None
    assert result.grid.shape == (8 * 16, 8 * 16)


def test_the_limits_accept_the_training_masks(trainable: Config) -> None:
    task = MaskTask(trainable)
    assert all(task.limits.reject(mask) is None for mask in task.soft > 0)


def test_tiles_stand_in_reading_order() -> None:
    images = torch.arange(16.0).reshape(16, 1, 1)
    assert np.array_equal(tile(images, columns=8).numpy(), np.arange(16).reshape(2, 8))
