import subprocess
import sys

import numpy as np
import pytest

from raysynth.base.arrays import Mask
from raysynth.preparation.mask_limits import MaskLimits, outline_metrics


def disc(radius: float, side: int = 32, centre: float = 15.5) -> Mask:
    y, x = np.mgrid[:side, :side]
    inside: Mask = (y - centre) ** 2 + (x - centre) ** 2 <= radius**2
    return inside


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
def test_each_rule_rejects_with_its_reason(limits: MaskLimits, mask: Mask, reason: str) -> None:
    assert limits.reject(mask) == reason


def test_metrics_of_an_outline() -> None:
    round_one, long_one = disc(9), np.zeros((32, 32), bool)
    long_one[14:18, 4:28] = True
    area, eccentricity, solidity = outline_metrics(round_one)
    assert area == round_one.sum()
    assert eccentricity == pytest.approx(0, abs=0.01)
    assert solidity > 0.95
    assert outline_metrics(long_one)[1] > 0.95


def test_no_network_library_is_loaded() -> None:
    code = "import sys, raysynth.preparation.mask_limits as _, raysynth.config.kinds; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
