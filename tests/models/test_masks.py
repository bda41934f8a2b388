import numpy as np
import pytest
import torch

from raysynth.config import MasksConfig
from raysynth.models.diffusion import schedule
from raysynth.models.masks import (
    build_mask_network,
    elongation,
    folding,
    folding_of,
    mask_condition,
    sample_masks,
)
from raysynth.preparation.mask_limits import outline_metrics

SMALL = MasksConfig(channels=(8, 16))


def test_a_sample_depends_on_its_own_generator_and_not_on_its_neighbours() -> None:
    model = build_mask_network(16, SMALL)
    conditions = torch.tensor([[0.5, -1, 0, 0]] * 2)
    drawn = [
        sample_masks(model, schedule(), [np.random.default_rng(s) for s in seeds], conditions, 2, 16)
        for seeds in ((1, 2), (3, 2))
    ]
    assert drawn[0].shape == (2, 16, 16)
    assert (drawn[0][1] == drawn[1][1]).all()


def test_masks_made_at_half_the_side_are_those_of_that_side_enlarged() -> None:
    torch.manual_seed(0)
    model = build_mask_network(16, SMALL)
    conditions = torch.tensor([[0.5, -1, 0, 0]] * 8)
    small, large = (
        sample_masks(model, schedule(), [np.random.default_rng(s) for s in range(8)], conditions, 2, side)
        for side in (16, 32)
    )
    assert large.shape == (8, 32, 32)
    enlarged = small.repeat(2, axis=1).repeat(2, axis=2)
    assert (enlarged == large).mean() > 0.9


def test_the_network_is_conditioned_on_the_shape() -> None:
    torch.manual_seed(0)
    model = build_mask_network(32, SMALL)
    small, large = (
        sample_masks(model, schedule(), [np.random.default_rng(1)], torch.tensor([[score, 0.0, 0.0, 0.0]]), 2, 32)
        for score in (-2, 2)
    )
    assert (small != large).any()


@pytest.mark.parametrize("side", range(16, 129, 16))
def test_folded_crops_leave_whole_levels(side: int) -> None:
    fold = folding(side)
    assert side % fold == 0
    assert side // fold % 4 == 0
    assert folding_of(build_mask_network(side, SMALL)) == fold


@pytest.mark.parametrize("turns", range(4))
def test_elongation_is_the_ellipses(turns: int) -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    angle = 0.4
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    ellipse = np.rot90((along / 20) ** 2 + (across / 12) ** 2 <= 1, turns)
    eccentricity, found = elongation(ellipse)
    assert eccentricity == pytest.approx(0.8, abs=0.01)
    assert eccentricity == pytest.approx(outline_metrics(ellipse)[1], abs=0.01)
    assert np.cos(2 * (found - (angle - turns * np.pi / 2))) == pytest.approx(1, abs=1e-3)


def test_the_condition_keeps_no_direction_of_a_round_cell() -> None:
    assert mask_condition(1.0, -1.0, 0.0, 0.7) == (0.5, -0.5, 0, 0)
    turned = mask_condition(0, 0, 0.8, np.pi / 2)
    assert mask_condition(0, 0, 0.8, 0.0) == pytest.approx(tuple(-np.array(turned)), abs=1e-9)
