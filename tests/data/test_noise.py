"""The spread of the slow background: that of most of the frame, whatever lies in a corner."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.data.noise import middle_spread


@given(mean=st.floats(-1e3, 1e3), deviation=st.floats(0.5, 50))
def test_it_is_the_deviation_of_a_normal_distribution(mean: float, deviation: float) -> None:
    values = np.random.default_rng(0).normal(mean, deviation, 20_000)
    assert middle_spread(values) == pytest.approx(deviation, rel=0.03)


def test_a_dark_corner_is_no_illumination_of_the_frame() -> None:
    values = np.random.default_rng(0).normal(100, 5, 20_000)
    values[:500] -= 200
    assert values.std() > 25
    assert middle_spread(values) == pytest.approx(5, rel=0.1)
