import numpy as np
import pytest

from raysynth.cascade.diffusion import schedule
from raysynth.cascade.masks import MaskLimits, build, sample
from raysynth.config import MasksConfig


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
    drawn = [sample(model, schedule(), [np.random.default_rng(s) for s in seeds], 2) for seeds in ((1, 2), (3, 2))]
    assert drawn[0].shape == (2, 16, 16)
    assert (drawn[0][1] == drawn[1][1]).all()
