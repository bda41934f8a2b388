"""Targets stay joint."""

import numpy as np
import pytest

from raysynth.base.arrays import Doubles
from raysynth.base.errors import InputError
from raysynth.config import PopulationConfig
from raysynth.population.density import FrameTarget, draw_target
from tests.fixtures.populations import RecordOf, StatisticsOf


def test_counts_and_sizes_stay_correlated(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    records = [record_of(2, n, 20000.0 / n) for n in (4, 8, 16, 32, 64)]
    statistics, settings = statistics_of(2, *records), PopulationConfig(frame_px=(96, 128))
    rng = np.random.default_rng(0)
    drawn = [draw_target(statistics, settings, rng) for _ in range(300)]
    together = np.corrcoef(np.log([t.cells for t in drawn]), np.log([t.median_size for t in drawn]))[0, 1]
    assert together < -0.95
    assert len({t.cells for t in drawn}) > len(records), "smoothing adds counts between the records'"


def test_independent_draws_have_the_same_margins_and_no_correlation(
    statistics_of: StatisticsOf, record_of: RecordOf
) -> None:
    base = [record_of(2, n, 20000.0 / n) for n in (4, 8, 16, 32, 64)]
    changes = [
        {"intensity_mean": 200.0 + 50 * i, "background": 10.0 * i, "intensity_std": float(i), "size_spread": 0.1 * i}
        for i in range(1, 6)
    ]
    records = [record.model_copy(update=change) for record, change in zip(base, changes, strict=True)]
    statistics = statistics_of(2, *records)
    rng, exact = np.random.default_rng(0), {"frame_px": (96, 128), "smoothing": 0.0}
    joint = [draw_target(statistics, PopulationConfig(**exact), rng) for _ in range(400)]
    apart = [draw_target(statistics, PopulationConfig(density="independent", **exact), rng) for _ in range(400)]

    def figures(targets: list[FrameTarget]) -> Doubles:
        return np.array(
            [(np.log(t.cells), np.log(t.median_size), t.contrast, np.log(t.record.background)) for t in targets]
        ).T

    assert np.abs(np.corrcoef(figures(joint))).min() > 0.9
    assert np.abs(np.corrcoef(figures(apart)) - np.eye(4)).max() < 0.2
    for column, same in zip(figures(joint), figures(apart), strict=True):
        assert set(column) == set(same)
        assert column.mean() == pytest.approx(same.mean(), abs=0.2 * column.std())
    assert {(t.median_size, t.record.size_spread) for t in apart} == {
        (t.median_size, t.record.size_spread) for t in joint
    }
    assert {(t.contrast, t.contrast_std) for t in apart} == {(t.contrast, t.contrast_std) for t in joint}


def test_crowded_frames_can_be_drawn_more_often(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    records = [record_of(2, n, 20000.0 / n) for n in (2, 8, 30)]
    settings = PopulationConfig(frame_px=(96, 128), smoothing=0.0, draw="cells")
    rng = np.random.default_rng(0)
    counts = [draw_target(statistics_of(2, *records), settings, rng).cells for _ in range(800)]
    for cells in (2, 8, 30):
        assert counts.count(cells) / len(counts) == pytest.approx(cells / 40, abs=0.05)


def test_joint_targets_are_drawn_as_ever(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    """One whole number and three normal values, in this order: the bytes of data sets depend on it."""
    records = [record_of(2, n, 20000.0 / n, region=True) for n in (4, 8, 16)]
    settings = PopulationConfig(frame_px=(96, 128))
    for seed in range(5):
        ours, rng = np.random.default_rng(seed), np.random.default_rng(seed)
        found = draw_target(statistics_of(2, *records), settings, ours)
        record = records[rng.integers(3)]
        count, size, light = np.exp(0.1 * rng.standard_normal(3))
        assert found.record == record
        assert found.cells == max(1, round(record.cells * count))
        assert (found.median_size, found.contrast) == (record.median_size * size, light * 500.0)
        assert ours.bit_generator.state == rng.bit_generator.state


def test_the_count_follows_the_room(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    rng = np.random.default_rng(0)
    exact = {"smoothing": 0.0, "region": "none"}
    twice = draw_target(statistics_of(2), PopulationConfig(frame_px=(192, 128), **exact), rng)
    assert twice.cells == 16
    deep = PopulationConfig(frame_px=(40, 64, 72), **exact)
    assert draw_target(statistics_of(3), deep, rng).cells == 16
    assert draw_target(statistics_of(3), deep.with_(mode="plane"), rng).cells == 8
    within = PopulationConfig(frame_px=(120, 160), smoothing=0.0)
    framed = draw_target(statistics_of(2, record_of(2, 8, 180.0, region=True)), within, rng)
    assert framed.cells == 8, "a larger frame around the same region holds no more cells"
    assert framed.region is not None
    assert framed.region.centre_px == (60.0, 80.0)


def test_the_configured_range_overrules(statistics_of: StatisticsOf) -> None:
    settings = PopulationConfig(frame_px=(96, 128), cells=(3, 5))
    rng = np.random.default_rng(0)
    assert {draw_target(statistics_of(2), settings, rng).cells for _ in range(60)} == {3, 4, 5}


def test_frames_without_cells_are_not_drawn(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
    settings = PopulationConfig(frame_px=(96, 128))
    mixed = statistics_of(2, record_of(2, 0, 0.0), record_of(2, 5, 100.0))
    rng = np.random.default_rng(0)
    assert all(draw_target(mixed, settings, rng).record.cells == 5 for _ in range(20))
    with pytest.raises(InputError, match="no frame with cells"):
        draw_target(statistics_of(2, record_of(2, 0, 0.0)), settings, rng)
