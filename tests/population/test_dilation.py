import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from raysynth.population.dilation import box_dilation


@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(1, 12), st.integers(0, 15)), min_size=2, max_size=3))
def test_it_is_a_maximum_filter(seed: int, axes: list[tuple[int, int]]) -> None:
    shape, reach = zip(*axes, strict=True)
    mask = np.random.default_rng(seed).random(shape) < 0.05
    before = mask.copy()
    expected = maximum_filter(mask, size=[2 * steps + 1 for steps in reach], mode="constant")
    assert np.array_equal(box_dilation(mask, reach), expected)
    assert np.array_equal(mask, before)
