"""The symmetries are exact, and spread over the uses of a cell."""

import numpy as np

from raysynth.population.variation import SYMMETRIES, draw_variations, turn


def test_symmetries_are_eight_rearrangements_of_the_plane() -> None:
    volume = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    turned = [turn(volume, v) for v in range(SYMMETRIES)]
    assert len({t.tobytes() for t in turned}) == 8
    for t in turned:
        assert [sorted(s.ravel()) for s in t] == [sorted(s.ravel()) for s in volume], "z is never mixed or flipped"


def test_uses_of_one_cell_differ() -> None:
    variations = draw_variations([3] * 8 + [1] * 12, np.random.default_rng(0))
    assert sorted(variations[:8]) == list(range(8))
    assert np.bincount(variations[8:], minlength=8).max() == 2
