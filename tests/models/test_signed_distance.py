import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from raysynth.base.arrays import Mask
from raysynth.models.signed_distance import fold, to_masks, to_signed_distance, truncation_in_crop, unfold

MASKS = arrays(bool, st.tuples(st.just(2), st.integers(4, 12), st.integers(4, 12)))


@given(MASKS)
def test_distances_are_positive_exactly_inside(masks: Mask) -> None:
    distances = to_signed_distance(masks, truncation_px=3.0)
    assert ((distances > 0) == masks).all()
    assert np.abs(distances).max() <= 1


def test_the_distance_to_the_outline_is_measured_in_pixels() -> None:
    mask = np.zeros((1, 1, 20), bool)
    mask[..., 10:] = True
    np.testing.assert_allclose(to_signed_distance(mask, 4.0)[0, 0, 8:12], [-1.5 / 4, -0.5 / 4, 0.5 / 4, 1.5 / 4])


def test_an_empty_mask_is_outside_everywhere() -> None:
    assert (to_signed_distance(np.zeros((1, 5, 5), bool), 2.0) == -1).all()


@given(st.integers(1, 3), st.sampled_from([2, 4]))
def test_fold_and_unfold_are_inverse(channels: int, factor: int) -> None:
    images = torch.arange(2 * channels * 64.0).reshape(2, channels, 8, 8)
    folded = fold(images, factor)
    assert folded.shape == (2, channels * factor**2, 8 // factor, 8 // factor)
    assert torch.equal(unfold(folded, factor), images)


def test_masks_are_cut_at_the_outline() -> None:
    distances = torch.full((1, 1, 6, 6), -0.2)
    distances[..., 2:4, 2:5] = 0.1
    assert to_masks(distances).sum() == 6


def test_a_truncation_grows_with_the_crop() -> None:
    assert truncation_in_crop(4.0, None, 64) == 4.0
    assert truncation_in_crop(4.0, 32, 64) == 8.0
