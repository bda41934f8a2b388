import numpy as np

from raysynth.base.arrays import Mask
from raysynth.measures.copies import near_copies, nearest_correlation, nearest_iou, texture_copies


def shape(height: int, width: int) -> Mask:
    mask = np.zeros((16, 16), bool)
    mask[2 : 2 + height, 3 : 3 + width] = True
    return mask


def test_a_turned_training_mask_is_a_copy_and_another_shape_is_not() -> None:
    training = np.stack([shape(4, 8), shape(6, 6)])
    drawn = np.stack([np.rot90(shape(4, 8))[:, ::-1], shape(12, 2)])
    np.testing.assert_array_equal(nearest_iou(drawn, training) == 1, [True, False])
    assert near_copies(drawn, training) == 0.5


def test_an_empty_mask_is_nobodys_copy() -> None:
    assert nearest_iou(np.zeros((1, 16, 16), bool), shape(3, 3)[None]) == 0


def test_a_texture_is_found_again_turned_brighter_and_a_new_one_is_not() -> None:
    rng = np.random.default_rng(0)
    training = rng.random((5, 16, 16))
    drawn = np.stack([3 * np.rot90(training[2])[:, ::-1] + 1, rng.random((16, 16))])
    found = nearest_correlation(drawn, training)
    assert found[0] > 0.999
    assert found[1] < 0.5
    assert nearest_correlation(np.ones((1, 16, 16)), training) == 0


def test_textures_are_judged_by_how_near_real_ones_come() -> None:
    rng = np.random.default_rng(0)
    training, validation, honest = (rng.random((100, 12, 12)) for _ in range(3))
    drawn = texture_copies(honest, validation, training)
    assert drawn["validation"] == 0.05
    assert drawn["synthetic"] < 0.2
    copied = texture_copies(training[:40] + 0.01 * rng.random((40, 12, 12)), validation, training)
    assert copied["synthetic"] == 1
