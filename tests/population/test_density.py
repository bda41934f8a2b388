"""Targets stay joint; the shard's cells are chosen to fit them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.errors import InputError
from raysynth.config import PopulationConfig
from raysynth.population.density import FrameTarget, choose_cells, deal, draw_contrasts, draw_target


def target(record_of, cells: int, size: float) -> FrameTarget:
    return FrameTarget(record_of(2, cells, size), None, cells, size, 600.0, 80.0)


def test_counts_and_sizes_stay_correlated(statistics_of, record_of) -> None:
    records = [record_of(2, n, 20000.0 / n) for n in (4, 8, 16, 32, 64)]
    statistics, settings = statistics_of(2, *records), PopulationConfig(frame_px=(96, 128))
    rng = np.random.default_rng(0)
    drawn = [draw_target(statistics, settings, rng) for _ in range(300)]
    together = np.corrcoef(np.log([t.cells for t in drawn]), np.log([t.median_size for t in drawn]))[0, 1]
    assert together < -0.95
    assert len({t.cells for t in drawn}) > len(records), "smoothing adds counts between the records'"


def test_independent_draws_have_the_same_margins_and_no_correlation(statistics_of, record_of) -> None:
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

    def figures(targets: list[FrameTarget]) -> np.ndarray:
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


def test_crowded_frames_can_be_drawn_more_often(statistics_of, record_of) -> None:
    records = [record_of(2, n, 20000.0 / n) for n in (2, 8, 30)]
    settings = PopulationConfig(frame_px=(96, 128), smoothing=0.0, draw="cells")
    rng = np.random.default_rng(0)
    counts = [draw_target(statistics_of(2, *records), settings, rng).cells for _ in range(800)]
    for cells in (2, 8, 30):
        assert counts.count(cells) / len(counts) == pytest.approx(cells / 40, abs=0.05)


def test_joint_targets_are_drawn_as_ever(statistics_of, record_of) -> None:
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


def test_the_count_follows_the_room(statistics_of, record_of) -> None:
    rng = np.random.default_rng(0)
    exact = {"smoothing": 0.0, "region": "none"}
    twice = draw_target(statistics_of(2), PopulationConfig(frame_px=(192, 128), **exact), rng)
    assert twice.cells == 16
    deep = PopulationConfig(frame_px=(40, 64, 72), **exact)
    assert draw_target(statistics_of(3), deep, rng).cells == 16
    assert draw_target(statistics_of(3), deep.model_copy(update={"mode": "plane"}), rng).cells == 8
    within = PopulationConfig(frame_px=(120, 160), smoothing=0.0)
    framed = draw_target(statistics_of(2, record_of(2, 8, 180.0, region=True)), within, rng)
    assert framed.cells == 8, "a larger frame around the same region holds no more cells"
    assert framed.region.centre_px == (60.0, 80.0)


def test_the_configured_range_overrules(statistics_of) -> None:
    settings = PopulationConfig(frame_px=(96, 128), cells=(3, 5))
    rng = np.random.default_rng(0)
    assert {draw_target(statistics_of(2), settings, rng).cells for _ in range(60)} == {3, 4, 5}


def test_frames_without_cells_are_not_drawn(statistics_of, record_of) -> None:
    settings = PopulationConfig(frame_px=(96, 128))
    mixed = statistics_of(2, record_of(2, 0, 0.0), record_of(2, 5, 100.0))
    rng = np.random.default_rng(0)
    assert all(draw_target(mixed, settings, rng).record.cells == 5 for _ in range(20))
    with pytest.raises(InputError, match="no frame with cells"):
        draw_target(statistics_of(2, record_of(2, 0, 0.0)), settings, rng)


@given(
    count=st.integers(1, 60),
    available=st.integers(1, 30),
    size=st.floats(5, 5000),
    light=st.floats(1, 60000),
    seed=st.integers(0, 999),
)
def test_the_right_number_is_chosen_and_reuse_is_bounded(record_of, count, available, size, light, seed) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.lognormal(5, 0.5, available)
    wanted = light * rng.lognormal(0, 0.5, count)
    chosen = choose_cells(sizes, rng.lognormal(6, 0.5, available), wanted, target(record_of, count, size), rng)
    assert chosen.shape == (count,)
    assert chosen.min() >= 0
    assert chosen.max() < available
    assert np.bincount(chosen).max() <= np.ceil(max(1.0, 2 * count / available)) + 1


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.6])
def test_chosen_sizes_and_contrasts_follow_the_target(record_of, correlation: float) -> None:
    rng = np.random.default_rng(0)
    both = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], 400)
    sizes, contrasts = 200 * np.exp(0.8 * both[:, 0]), 600 * np.exp(0.7 * both[:, 1])
    for size, light in ((100.0, 600.0), (200.0, 300.0), (200.0, 1200.0), (300.0, 600.0)):
        picked, gains = [], []
        for _ in range(20):
            wanted = np.sort(light * rng.lognormal(0, 0.4, 30))
            chosen = choose_cells(sizes, contrasts, wanted, target(record_of, 30, size), rng)
            picked.append(sizes[chosen])
            gains.append(np.log(deal(wanted, contrasts[chosen]) / contrasts[chosen]))
        assert np.median(picked) == pytest.approx(size, rel=0.25)
        assert np.std(gains) < 0.2, "light is hardly scaled"


def test_dim_cells_are_not_made_of_bright_ones(record_of) -> None:
    rng = np.random.default_rng(0)
    contrasts = np.concatenate([rng.normal(50, 3, 100), rng.normal(1000, 60, 300)])
    wanted = np.sort(np.concatenate([rng.normal(50, 3, 20), rng.normal(1000, 60, 20)]))
    chosen = choose_cells(np.full(400, 200.0), contrasts, wanted, target(record_of, 40, 200.0), rng)
    gains = deal(wanted, contrasts[chosen]) / contrasts[chosen]
    assert np.abs(np.log(gains)).max() < 0.3


def test_contrasts_follow_the_frame(statistics_of, record_of) -> None:
    contrasts = draw_contrasts(statistics_of(2), target(record_of, 400, 100.0), np.random.default_rng(0))
    assert (np.diff(contrasts) >= 0).all()
    assert contrasts.mean() == pytest.approx(600, rel=0.05)
    assert contrasts.std() == pytest.approx(80, rel=0.2)


def test_contrasts_are_dealt_in_order_of_brightness() -> None:
    own = np.random.default_rng(0).lognormal(6, 0.3, 400)
    contrasts = np.linspace(10.0, 900.0, 400)
    dealt = deal(contrasts, own)
    assert (np.argsort(dealt) == np.argsort(own)).all()
    assert (np.sort(dealt) == contrasts).all()
