"""Synthetic background has the statistics it was asked for."""

from itertools import pairwise

import numpy as np
import pytest

from raysynth.population.background import draw_background, flat_background, illumination_field, noise_field
from raysynth.population.density import FrameTarget


def target(record) -> FrameTarget:
    return FrameTarget(record, record.region, record.cells, record.median_size, 600.0, 80.0)


def test_noise_has_the_marginal_and_the_spectrum(statistics_of) -> None:
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


def test_neighbouring_slices_correlate_as_measured(statistics_of) -> None:
    field = noise_field(statistics_of(3).noise, (24, 64, 64), np.random.default_rng(0))
    steps = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairwise(field)]
    assert np.mean(steps) == pytest.approx(0.4, abs=0.04)


def test_illumination_is_slow_and_standardised() -> None:
    field = illumination_field((20, 90, 70), 16.0, 2.0, np.random.default_rng(0))
    assert abs(field.mean()) < 1e-4
    assert field.std() == pytest.approx(1.0, abs=1e-3)
    for axis, step in enumerate((2.0, 1.0, 1.0)):
        assert np.abs(np.diff(field, axis=axis)).max() < 0.25 * step


def test_level_noise_and_illumination_of_a_frame(statistics_of, record_of) -> None:
    record, model = record_of(2, 8, 180.0), statistics_of(2).noise
    none, everywhere = np.zeros((128, 128), np.float32), np.ones((128, 128), bool)
    drawn = draw_background(target(record), model, none, everywhere, 1.0, np.random.default_rng(0))
    assert drawn.slow.mean() == pytest.approx(record.background, abs=0.1)
    assert drawn.slow.std() == pytest.approx(model.illumination_std, rel=0.02)
    assert drawn.noise.std() == pytest.approx(record.noise_std, rel=0.1)


def test_light_that_halos_bring_is_not_added_again(statistics_of, record_of) -> None:
    record, model = record_of(2, 8, 180.0), statistics_of(2).noise
    halo = np.linspace(0, 40, 128, dtype=np.float32)[None].repeat(128, axis=0)
    everywhere = np.ones_like(halo, bool)
    drawn = draw_background(target(record), model, halo, everywhere, 1.0, np.random.default_rng(0))
    assert (drawn.slow + halo).mean() == pytest.approx(record.background, abs=0.1)
    assert drawn.slow.std() == pytest.approx(0.0, abs=1e-3), "the halos vary more than the measured slow field"


def test_a_region_has_its_own_background(statistics_of, record_of) -> None:
    record = record_of(3, 8, 900.0, region=True)
    none = np.zeros(record.shape, np.float32)
    drawn = draw_background(target(record), statistics_of(3).noise, none, none == 0, 2.0, np.random.default_rng(0))
    middle = record.region.inside(record.shape)
    assert drawn.slow[middle].mean() == pytest.approx(record.region_background, abs=3)
    assert drawn.slow[:2, :4, :4].mean() == pytest.approx(record.background, abs=12)
    assert drawn.noise[middle].std() > 1.5 * drawn.noise[:, :8, :8].std()


def test_without_a_region_the_whole_frame_has_the_inner_background(statistics_of, record_of) -> None:
    record = record_of(3, 8, 900.0, region=True)
    aim = FrameTarget(record, None, 8, 900.0, 600.0, 80.0)
    none = np.zeros(record.shape, np.float32)
    drawn = draw_background(aim, statistics_of(3).noise, none, none == 0, 2.0, np.random.default_rng(0))
    assert drawn.slow.mean() == pytest.approx(record.region_background, abs=0.1)
    assert drawn.noise.std() == pytest.approx(record.region_noise_std, rel=0.1)


def test_flat_background_is_the_level_alone(record_of) -> None:
    flat = flat_background(target(record_of(2, 8, 180.0)), (5, 6))
    assert (flat.slow == 200).all()
    assert (flat.noise == 0).all()
