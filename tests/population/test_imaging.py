"""The camera, off by default, and the type that images are stored in."""

import numpy as np
import pytest

from raysynth.config import ImagingConfig
from raysynth.population.imaging import expose, lost_pixels, to_stored

RNG = np.random.default_rng


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers_are_rounded_and_clipped(dtype: str) -> None:
    frame = np.array([-5.0, 0.4, 0.6, 254.6, 1e9], np.float32)
    result = to_stored(expose(frame, ImagingConfig(), None, 0.0, RNG(0)), dtype)
    top = np.iinfo(dtype).max
    assert result.dtype == dtype
    assert result.tolist() == [0, 0, 1, min(255, top), top]


def test_floats_are_stored_as_they_are() -> None:
    frame = np.array([-5.25, 0.4, 1e9], np.float32)
    result = to_stored(frame, "float32")
    assert result.dtype == np.float32
    assert np.array_equal(result, frame)


@pytest.mark.parametrize(
    ("data", "stored", "lost"),
    [("uint16", "uint8", 2), ("uint16", "uint16", 0), ("uint8", "uint16", 0), ("uint16", "float32", 0)],
)
def test_lost_are_pixels_that_the_data_would_hold(data: str, stored: str, lost: int) -> None:
    frame = np.array([[-3.0, 7.0], [255.4, 255.6], [1e9, 255.0]], np.float32)
    assert lost_pixels(frame, data, stored) == lost


def test_all_that_a_float_type_holds_and_an_integer_does_not_is_lost() -> None:
    assert lost_pixels(np.array([-3.0, 0.0, 300.0], np.float32), "float32", "uint8") == 2


def test_psf_spreads_light_and_keeps_it() -> None:
    frame = np.zeros((21, 21), np.float32)
    frame[10, 10] = 10000
    settings = ImagingConfig(psf_sigma_um=(1.0, 0.5))
    blurred = expose(frame, settings, (0.5, 0.5), 0.0, RNG(0)).astype(float)
    assert blurred.sum() == pytest.approx(10000, rel=0.01)
    y = np.arange(21) - 10
    assert np.sqrt((blurred.sum(axis=1) * y**2).sum() / blurred.sum()) == pytest.approx(2.0, rel=0.05)
    assert np.sqrt((blurred.sum(axis=0) * y**2).sum() / blurred.sum()) == pytest.approx(1.0, rel=0.05)


def test_camera_noise_counts_photons_above_the_offset() -> None:
    frame = np.full((200, 200), 1100.0, np.float32)
    settings = ImagingConfig(poisson_gain=2.0, read_noise=3.0)
    result = expose(frame, settings, None, 1000.0, RNG(0)).astype(float)
    assert result.mean() == pytest.approx(1100, abs=0.3)
    assert result.var() == pytest.approx(100 / 2 + 9, rel=0.05)
