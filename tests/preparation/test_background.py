"""The background under cells, and the noise model of it."""

import numpy as np
import pytest
from scipy import ndimage

from raysynth.base.arrays import Labels
from raysynth.data.frames import Pixels
from raysynth.preparation.background import FrameBackground, measure_background
from raysynth.preparation.noise import measure_noise, noise_model
from tests.fixtures.frames import balls


@pytest.fixture(scope="module")
def background() -> tuple[FrameBackground, Labels]:
    """Correlated noise of deviation 4 about 100, under bright discs."""
    rng = np.random.default_rng(3)
    noise = 4 * ndimage.gaussian_filter(rng.normal(size=(1, 192, 192)), (0, 1, 1)) * np.sqrt(4 * np.pi)
    labels = balls((192, 192), rng.uniform(10, 180, (12, 2)), 9)
    image = 100 + noise + 80 * (labels > 0)
    pixels = Pixels(image[0].astype(np.float32), labels, None, (0, 192))
    return measure_background(pixels, 64, rng), labels


def test_background_under_cells_looks_like_that_beside(background: tuple[FrameBackground, Labels]) -> None:
    measured, labels = background
    beside = ndimage.distance_transform_edt(labels == 0) > 8
    assert measured.level.mean() == pytest.approx(100, abs=1)
    assert measured.filled[0][labels > 0].mean() == pytest.approx(100, abs=2)
    assert measured.filled[0][labels > 0].std() == pytest.approx(measured.filled[0][beside].std(), rel=0.25)


def test_noise_model_sees_the_correlation(background: tuple[FrameBackground, Labels]) -> None:
    measured, labels = background
    model = noise_model([measure_noise(measured, labels[None] == 0)], 8)
    power = np.array(model.power)
    assert power[4] > 10 * power[-4]
    assert model.marginal.at(0.5) == pytest.approx(0, abs=0.15)
    assert model.illumination_std < 4
