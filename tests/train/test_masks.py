import numpy as np
import torch

from raysynth.base.seeds import Stage, generator
from raysynth.config import Config
from raysynth.models.signed_distance import as_batch, resized, soften
from raysynth.train.masks import MaskTask, tile
from tests.fixtures.training import SIDE


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


def test_at_half_the_resolution_the_outline_is_the_same_and_masks_keep_the_crops_side(trainable: Config) -> None:
    masks = trainable.masks.model_copy(update={"resolution_px": SIDE // 2, "channels": (16,)})
    whole, half = MaskTask(trainable), MaskTask(trainable.model_copy(update={"masks": masks}))
    assert half.soft.shape[1:] == (SIDE // 2, SIDE // 2)
    # The truncation is in pixels of the network: the same number of them on half as many.
    wide = soften(half.train.outlines, 2 * trainable.masks.truncation_px)
    np.testing.assert_allclose(half.soft, resized(as_batch(wide), SIDE // 2)[:, 0], atol=1e-6)
    assert whole.soft.shape[1:] == (SIDE, SIDE)
    assert half.evaluate(half.model, 0).grid.shape == (8 * SIDE, 8 * SIDE)
