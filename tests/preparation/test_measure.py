import numpy as np
import pytest

from raysynth.preparation.measure import touching_fraction


def test_touching_cells() -> None:
    labels = np.zeros((9, 9), np.uint32)
    labels[1, 1:3], labels[1, 4:6], labels[7, 7] = 1, 2, 3
    assert touching_fraction(labels, 3) == pytest.approx(2 / 3)


def test_no_cells_do_not_touch() -> None:
    assert touching_fraction(np.zeros((9, 9), np.uint32), 0) == 0
