import numpy as np

from raysynth.geometry.components import largest_filled, trimmed


def test_the_largest_component_is_kept_and_filled() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:6, 1:6] = True
    mask[3, 3] = False
    mask[7, 7] = True
    expected = np.zeros((9, 9), bool)
    expected[1:6, 1:6] = True
    np.testing.assert_array_equal(largest_filled(mask), expected)


def test_diagonal_neighbours_are_two_pieces() -> None:
    mask = np.zeros((2, 4, 4), bool)
    mask[0, :2, :2] = True
    mask[1, 2, 2] = True
    assert largest_filled(mask).sum() == 4


def test_trimming_keeps_every_voxel() -> None:
    mask = np.zeros((5, 6, 7), bool)
    mask[2, 1:4, 3] = True
    mask[3, 2, 5] = True
    cut = trimmed(mask)
    assert cut.shape == (2, 3, 3)
    assert cut.sum() == mask.sum()


def test_an_empty_mask_stays_empty() -> None:
    mask = np.zeros((4, 4, 4), bool)
    assert not largest_filled(mask).any()
    assert trimmed(mask).shape == (0, 0, 0)
