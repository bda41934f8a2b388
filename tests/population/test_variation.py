"""The symmetries are spread over the uses of a cell."""

import numpy as np

from raysynth.population.variation import draw_variations


def test_uses_of_one_cell_differ() -> None:
    variations = draw_variations([3] * 8 + [1] * 12, np.random.default_rng(0))
    assert sorted(variations[:8]) == list(range(8))
    assert np.bincount(variations[8:], minlength=8).max() == 2
