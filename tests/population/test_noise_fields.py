"""Random fields have the statistics they were asked for."""

from itertools import pairwise

import numpy as np
import pytest

from raysynth.population.noise_fields import illumination_field, noise_field
from tests.fixtures.populations import StatisticsOf


def test_noise_has_the_marginal_and_the_spectrum(statistics_of: StatisticsOf) -> None:
    model = statistics_of(2).noise
    fields = [noise_field(model, (128, 160), np.random.default_rng(seed)) for seed in range(8)]
    levels = np.linspace(0.02, 0.98, 25)
    np.testing.assert_allclose(np.quantile(fields, levels), model.marginal.at(levels), atol=0.06)
    power = np.mean([np.abs(np.fft.fft2(f)) ** 2 / f.size for f in fields], axis=0)
    radius = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(160))
    wanted = np.interp(radius, model.frequency, model.power)
    for low, high in ((0.02, 0.06), (0.1, 0.2), (0.3, 0.5)):
        band = (radius >= low) & (radius < high)
        assert power[band].mean() / power[radius > 0.02].mean() == pytest.approx(
            wanted[band].mean() / wanted[radius > 0.02].mean(), rel=0.15
        )


def test_neighbouring_slices_correlate_as_measured(statistics_of: StatisticsOf) -> None:
    field = noise_field(statistics_of(3).noise, (24, 64, 64), np.random.default_rng(0))
    steps = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairwise(field)]
    assert np.mean(steps) == pytest.approx(0.4, abs=0.04)


def test_illumination_is_slow_and_standardised() -> None:
    field = illumination_field((20, 90, 70), 16.0, 2.0, np.random.default_rng(0))
    assert abs(field.mean()) < 1e-4
    assert field.std() == pytest.approx(1.0, abs=1e-3)
    for axis, step in enumerate((2.0, 1.0, 1.0)):
        assert np.abs(np.diff(field, axis=axis)).max() < 0.25 * step
