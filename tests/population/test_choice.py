"""The shard's cells are chosen to fit a frame's target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.population.choice import choose_cells, deal, draw_contrasts
from raysynth.population.density import FrameTarget
from tests.fixtures.populations import RecordOf, StatisticsOf


def target(record_of: RecordOf, cells: int, size: float) -> FrameTarget:
    return FrameTarget(record_of(2, cells, size), None, cells, size, 600.0, 80.0)


@given(
    count=st.integers(1, 60),
    available=st.integers(1, 30),
    size=st.floats(5, 5000),
    light=st.floats(1, 60000),
    seed=st.integers(0, 999),
)
def test_the_right_number_is_chosen_and_reuse_is_bounded(
    record_of: RecordOf, count: int, available: int, size: float, light: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.lognormal(5, 0.5, available)
    wanted = light * rng.lognormal(0, 0.5, count)
    chosen = choose_cells(sizes, rng.lognormal(6, 0.5, available), wanted, target(record_of, count, size), rng)
    assert chosen.shape == (count,)
    assert chosen.min() >= 0
    assert chosen.max() < available
    assert np.bincount(chosen).max() <= np.ceil(max(1.0, 2 * count / available)) + 1


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.6])
def test_chosen_sizes_and_contrasts_follow_the_target(record_of: RecordOf, correlation: float) -> None:
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


def test_dim_cells_are_not_made_of_bright_ones(record_of: RecordOf) -> None:
    rng = np.random.default_rng(0)
    contrasts = np.concatenate([rng.normal(50, 3, 100), rng.normal(1000, 60, 300)])
    wanted = np.sort(np.concatenate([rng.normal(50, 3, 20), rng.normal(1000, 60, 20)]))
    chosen = choose_cells(np.full(400, 200.0), contrasts, wanted, target(record_of, 40, 200.0), rng)
    gains = deal(wanted, contrasts[chosen]) / contrasts[chosen]
    assert np.abs(np.log(gains)).max() < 0.3


def test_contrasts_follow_the_frame(statistics_of: StatisticsOf, record_of: RecordOf) -> None:
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
