"""Synthetic background has the statistics it was asked for."""

import numpy as np
import pytest

from raysynth.population.background import draw_background, flat_background
from raysynth.population.density import FrameTarget
from raysynth.preparation.statistics import FrameRecord
from tests.fixtures.populations import RecordOf, StatisticsOf


def target(record: FrameRecord) -> FrameTarget:
    return FrameTarget(record, record.region, record.cells, record.median_size, 600.0, 80.0)


def test_level_noise_and_illumination_of_a_frame(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    record, model = record_of(2, 8, 180.0), statistics_of(2).noise
    none, everywhere = np.zeros((128, 128), np.float32), np.ones((128, 128), bool)
    drawn = draw_background(target(record), model, none, everywhere, 1.0, np.random.default_rng(0))
    assert drawn.slow.mean() == pytest.approx(record.background, abs=0.1)
    assert drawn.slow.std() == pytest.approx(model.illumination_std, rel=0.02)
    assert drawn.noise.std() == pytest.approx(record.noise_std, rel=0.1)


def test_light_that_halos_bring_is_not_added_again(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    record, model = record_of(2, 8, 180.0), statistics_of(2).noise
    halo = np.linspace(0, 40, 128, dtype=np.float32)[None].repeat(128, axis=0)
    everywhere = np.ones_like(halo, bool)
    drawn = draw_background(target(record), model, halo, everywhere, 1.0, np.random.default_rng(0))
    assert (drawn.slow + halo).mean() == pytest.approx(record.background, abs=0.1)
    assert drawn.slow.std() == pytest.approx(0.0, abs=1e-3), "the halos vary more than the measured slow field"


def test_a_region_has_its_own_background(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    record = record_of(3, 8, 900.0, region=True)
    none = np.zeros(record.shape, np.float32)
    drawn = draw_background(target(record), statistics_of(3).noise, none, none == 0, 2.0, np.random.default_rng(0))
    assert record.region is not None
    middle = record.region.inside(record.shape)
    assert drawn.slow[middle].mean() == pytest.approx(record.region_background, abs=3)
    assert drawn.slow[:2, :4, :4].mean() == pytest.approx(record.background, abs=12)
    assert drawn.noise[middle].std() > 1.5 * drawn.noise[:, :8, :8].std()


def test_without_a_region_the_whole_frame_has_the_inner_background(
    statistics_of: StatisticsOf, record_of: RecordOf
) -> None:
    record = record_of(3, 8, 900.0, region=True)
    aim = FrameTarget(record, None, 8, 900.0, 600.0, 80.0)
    none = np.zeros(record.shape, np.float32)
    drawn = draw_background(aim, statistics_of(3).noise, none, none == 0, 2.0, np.random.default_rng(0))
    assert drawn.slow.mean() == pytest.approx(record.region_background, abs=0.1)
    assert drawn.noise.std() == pytest.approx(record.region_noise_std, rel=0.1)


def test_flat_background_is_the_level_alone(record_of: RecordOf) -> None:
    flat = flat_background(target(record_of(2, 8, 180.0)), (5, 6))
    assert (flat.slow == 200).all()
    assert (flat.noise == 0).all()
