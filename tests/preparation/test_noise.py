"""The spread of the slow background: that of most of the frame, whatever lies in a corner."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.preparation.noise import narrow_spread


@given(mean=st.floats(-1e3, 1e3), deviation=st.floats(0.5, 50))
def test_it_is_the_deviation_of_a_normal_distribution(mean: float, deviation: float) -> None:
    values = np.random.default_rng(0).normal(mean, deviation, 20_000)
    assert narrow_spread(values) == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize("light", [-200, 200])
@pytest.mark.parametrize("fraction", [0.025, 0.1])
def test_a_dark_corner_or_a_glow_is_no_illumination_of_the_frame(light: float, fraction: float) -> None:
    values = np.random.default_rng(0).normal(100, 5, 20_000)
    values[: round(fraction * len(values))] += light
    assert values.std() > 25
    assert narrow_spread(values) == pytest.approx(5, rel=0.1)
