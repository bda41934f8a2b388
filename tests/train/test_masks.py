import numpy as np
import pytest
import torch
from numpy.random import Generator

from raysynth.base.arrays import Mask
from raysynth.base.seeds import Stage, generator
from raysynth.config import Config
from raysynth.models.signed_distance import as_batch, resize_images, to_signed_distance
from raysynth.preparation.prepared import Prepared
from raysynth.train import masks as mask_training
from raysynth.train.masks import MaskTask
from tests.fixtures.training import SIDE, discs


@pytest.fixture
def task(trainable: Config, prepared: Prepared) -> MaskTask:
    return MaskTask(prepared, trainable.masks)


def generators(count: int) -> list[Generator]:
    return [generator(0, 3, Stage.TRAINING, i) for i in range(count)]


def drawing(monkeypatch: pytest.MonkeyPatch, masks: Mask) -> None:
    """Have the sampler draw these masks, in turn, whatever the network is."""

    def draw(model: object, scheduler: object, rngs: list[Generator], *rest: object) -> Mask:
        return np.stack([masks[i % len(masks)] for i in range(len(rngs))])

    monkeypatch.setattr(mask_training, "sample_masks", draw)


def test_the_loss_depends_on_the_samples_generators_alone(task: MaskTask) -> None:
    losses = [task.loss(task.model, task.batch(generators(4))) for _ in range(2)]
    assert torch.equal(*losses)
    assert losses[0].requires_grad


def test_metrics_tell_how_many_masks_are_refused(task: MaskTask, monkeypatch: pytest.MonkeyPatch) -> None:
    good, far_too_large = discs([3.5, 7.9])
    drawing(monkeypatch, np.stack([good, good, good, far_too_large]))
    assert task.evaluate(task.model, seed=0).metrics["rejected"] == 0.25


def test_masks_like_the_real_ones_lie_nearer_to_them(task: MaskTask, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing(monkeypatch, np.asarray(task.validation.outlines))
    alike = task.evaluate(task.model, seed=0).metrics
    drawing(monkeypatch, discs([7.0]))
    unlike = task.evaluate(task.model, seed=0).metrics
    assert alike["ks_area"] < 0.5 < unlike["ks_area"] == 1.0
    assert alike["near_copies"] > unlike["near_copies"] == 0.0


def test_the_picture_shows_all_masks(task: MaskTask) -> None:
    result = task.evaluate(task.model, seed=0)
    assert result.grid is not None
    assert result.grid.shape == (8 * SIDE, 8 * SIDE)


def test_the_limits_accept_the_training_masks(task: MaskTask) -> None:
    assert all(task.limits.reject(mask) is None for mask in task.distances > 0)


def test_at_twice_the_resolution_the_outline_is_the_same_and_masks_keep_the_crops_side(
    trainable: Config, prepared: Prepared, task: MaskTask
) -> None:
    fine = MaskTask(prepared, trainable.masks.with_(resolution_px=2 * SIDE))
    # The truncation is in pixels of the network: the same number of them on twice as many.
    narrow = to_signed_distance(fine.train.outlines, trainable.masks.truncation_px / 2)
    np.testing.assert_allclose(fine.distances, resize_images(as_batch(narrow), 2 * SIDE)[:, 0], atol=1e-6)
    assert task.distances.shape[1:] == (SIDE, SIDE)
    grid = fine.evaluate(fine.model, 0).grid
    assert grid is not None
    assert grid.shape == (8 * SIDE, 8 * SIDE)
