import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from raysynth.models.signed_distance import fold, harden, soften, unfold

MASKS = arrays(bool, st.tuples(st.just(2), st.integers(4, 12), st.integers(4, 12)))


@given(MASKS)
def test_soft_masks_are_positive_exactly_inside(masks: np.ndarray) -> None:
    soft = soften(masks, truncation_px=3.0)
    assert ((soft > 0) == masks).all()
    assert np.abs(soft).max() <= 1


def test_soft_mask_measures_distance_to_the_outline_in_pixels() -> None:
    mask = np.zeros((1, 1, 20), bool)
    mask[..., 10:] = True
    np.testing.assert_allclose(soften(mask, 4.0)[0, 0, 8:12], [-1.5 / 4, -0.5 / 4, 0.5 / 4, 1.5 / 4])


def test_an_empty_mask_is_outside_everywhere() -> None:
    assert (soften(np.zeros((1, 5, 5), bool), 2.0) == -1).all()


@given(st.integers(1, 3), st.sampled_from([2, 4]))
def test_fold_and_unfold_are_inverse(channels: int, factor: int) -> None:
    images = torch.arange(2 * channels * 64.0).reshape(2, channels, 8, 8)
    folded = fold(images, factor)
    assert folded.shape == (2, channels * factor**2, 8 // factor, 8 // factor)
    assert torch.equal(unfold(folded, factor), images)


def test_harden_thresholds_at_the_outline() -> None:
    soft = torch.full((1, 1, 6, 6), -0.2)
    soft[..., 2:4, 2:5] = 0.1
    assert harden(soft).sum() == 6
