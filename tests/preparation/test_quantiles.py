import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.preparation.quantiles import Quantiles


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_quantiles_are_ordered_and_inverted(sample: list[float]) -> None:
    quantiles = Quantiles.of(sample)
    assert quantiles.at(0) == min(sample)
    assert quantiles.at(1) == max(sample)
    assert (np.diff(quantiles.at(np.linspace(0, 1, 33))) >= 0).all()
    assert quantiles.at(quantiles.level(np.mean(sample))) == pytest.approx(np.mean(sample), rel=1e-6, abs=1e-3)
