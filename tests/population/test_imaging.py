"""The camera: off by default, whole numbers in range always."""

import numpy as np
import pytest

from raysynth.config import ImagingConfig
from raysynth.population.imaging import image

RNG = np.random.default_rng


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_rounds_and_clips(dtype: str) -> None:
    frame = np.array([-5.0, 0.4, 0.6, 254.6, 1e9], np.float32)
    result = image(frame, ImagingConfig(), None, 0.0, np.dtype(dtype), RNG(0))
    top = np.iinfo(dtype).max
    assert result.dtype == dtype
    assert result.tolist() == [0, 0, 1, min(255, top), top]


def test_psf_spreads_light_and_keeps_it() -> None:
    frame = np.zeros((21, 21), np.float32)
    frame[10, 10] = 10000
    settings = ImagingConfig(psf_sigma_um=(1.0, 0.5))
    blurred = image(frame, settings, (0.5, 0.5), 0.0, np.dtype("uint16"), RNG(0)).astype(float)
    assert blurred.sum() == pytest.approx(10000, rel=0.01)
    y = np.arange(21) - 10
    assert np.sqrt((blurred.sum(axis=1) * y**2).sum() / blurred.sum()) == pytest.approx(2.0, rel=0.05)
    assert np.sqrt((blurred.sum(axis=0) * y**2).sum() / blurred.sum()) == pytest.approx(1.0, rel=0.05)


def test_camera_noise_counts_photons_above_the_offset() -> None:
    frame = np.full((200, 200), 1100.0, np.float32)
    settings = ImagingConfig(poisson_gain=2.0, read_noise=3.0)
    result = image(frame, settings, None, 1000.0, np.dtype("uint16"), RNG(0)).astype(float)
    assert result.mean() == pytest.approx(1100, abs=0.3)
    assert result.var() == pytest.approx(100 / 2 + 9, rel=0.05)
