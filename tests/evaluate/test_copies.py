import numpy as np

from raysynth.evaluate.copies import near_copies, nearest_iou


def shape(height: int, width: int) -> np.ndarray:
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
