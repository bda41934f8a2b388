import numpy as np
import pytest
import torch

from raysynth.config import MasksConfig
from raysynth.models.diffusion import schedule
from raysynth.models.masks import MaskLimits, build, elongation, folding, folding_of, outline_figures, sample, told


def disc(radius: float, side: int = 32, centre: float = 15.5) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return (y - centre) ** 2 + (x - centre) ** 2 <= radius**2


@pytest.fixture(scope="module")
def limits() -> MaskLimits:
    return MaskLimits.measure(np.stack([disc(r) for r in np.linspace(5, 9, 40)]), tail=0.01)


def test_masks_like_the_training_masks_pass(limits: MaskLimits) -> None:
    assert limits.reject(disc(7)) is None


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.zeros((32, 32), bool), "empty"),
        (disc(7, centre=6.0), "touches the border"),
        (disc(2), "area"),
        (disc(13), "area"),
        (disc(9) & ~disc(7), "solidity"),
    ],
)
def test_each_rule_rejects_with_its_reason(limits: MaskLimits, mask: np.ndarray, reason: str) -> None:
    assert limits.reject(mask) == reason


def test_a_sample_depends_on_its_own_generator_and_not_on_its_neighbours() -> None:
    model = build(16, MasksConfig(channels=(8, 16)))
    figures = torch.tensor([[0.5, -1, 0, 0]] * 2)
    drawn = [
        sample(model, schedule(), [np.random.default_rng(s) for s in seeds], figures, 2, 16)
        for seeds in ((1, 2), (3, 2))
    ]
    assert drawn[0].shape == (2, 16, 16)
    assert (drawn[0][1] == drawn[1][1]).all()


def test_masks_made_at_half_the_side_are_those_of_that_side_enlarged() -> None:
    torch.manual_seed(0)
    model = build(16, MasksConfig(channels=(8, 16)))
    figures = torch.tensor([[0.5, -1, 0, 0]] * 8)
    small, large = (
        sample(model, schedule(), [np.random.default_rng(s) for s in range(8)], figures, 2, side) for side in (16, 32)
    )
    assert large.shape == (8, 32, 32)
    enlarged = small.repeat(2, axis=1).repeat(2, axis=2)
    assert (enlarged == large).mean() > 0.9


def test_the_network_is_told_the_shape() -> None:
    torch.manual_seed(0)
    model = build(32, MasksConfig(channels=(8, 16)))
    small, large = (
        sample(model, schedule(), [np.random.default_rng(1)], torch.tensor([[score, 0.0, 0.0, 0.0]]), 2, 32)
        for score in (-2, 2)
    )
    assert (small != large).any()


@pytest.mark.parametrize("side", range(16, 129, 16))
def test_folded_crops_leave_whole_levels(side: int) -> None:
    fold = folding(side)
    assert side % fold == 0
    assert side // fold % 4 == 0
    assert folding_of(build(side, MasksConfig(channels=(8, 16)))) == fold


def test_figures_of_an_outline() -> None:
    round_one, long_one = disc(9), np.zeros((32, 32), bool)
    long_one[14:18, 4:28] = True
    area, eccentricity, solidity = outline_figures(round_one)
    assert area == round_one.sum()
    assert eccentricity == pytest.approx(0, abs=0.01)
    assert solidity > 0.95
    assert outline_figures(long_one)[1] > 0.95


@pytest.mark.parametrize("turns", range(4))
def test_elongation_is_the_ellipses(turns: int) -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    angle = 0.4
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    ellipse = np.rot90((along / 20) ** 2 + (across / 12) ** 2 <= 1, turns)
    eccentricity, found = elongation(ellipse)
    assert eccentricity == pytest.approx(0.8, abs=0.01)
    assert eccentricity == pytest.approx(outline_figures(ellipse)[1], abs=0.01)
    assert np.cos(2 * (found - (angle - turns * np.pi / 2))) == pytest.approx(1, abs=1e-3)


def test_what_is_told_keeps_no_direction_of_a_round_cell() -> None:
    assert told(1.0, -1.0, 0.0, 0.7) == (0.5, -0.5, 0, 0)
    assert told(0, 0, 0.8, 0.0) == pytest.approx(tuple(-np.array(told(0, 0, 0.8, np.pi / 2))), abs=1e-9)
