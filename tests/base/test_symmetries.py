"""The eight symmetries."""

import numpy as np

from raysynth.base.symmetries import AUGMENTATIONS, SYMMETRIES, symmetry


def test_all_eight_differ_and_keep_every_value_of_each_slice() -> None:
    volume = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    found = [symmetry(volume, index) for index in range(SYMMETRIES)]
    assert len({(one.shape, one.tobytes()) for one in found}) == SYMMETRIES
    for one in found:
        assert [sorted(plane.ravel()) for plane in one] == [sorted(plane.ravel()) for plane in volume]


def test_training_flips_after_it_turns() -> None:
    image = np.arange(6).reshape(2, 3)
    for which in range(SYMMETRIES):
        turned = np.rot90(image, which % 4)
        expected = turned[:, ::-1] if which >= 4 else turned
        np.testing.assert_array_equal(symmetry(image, AUGMENTATIONS[which]), expected)
