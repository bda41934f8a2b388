import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from raysynth.store.pyramid import shrink_image, shrink_labels

frames = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=3, max_dims=4, max_side=7))


@given(frames, st.sampled_from([1, 2, 4]))
def test_means_stay_in_range_and_labels_stay_labels(array: NDArray[np.uint16], factor: int) -> None:
    factors = (factor,) * (array.ndim - 1)
    expected = (len(array), *(-(-n // factor) for n in array.shape[1:]))
    image, labels = shrink_image(array, factors), shrink_labels(array, factors)
    assert image.shape == labels.shape == expected
    assert image.dtype == labels.dtype == array.dtype
    assert array.min() <= image.min() <= image.max() <= array.max()
    assert set(np.unique(labels)) <= set(np.unique(array))


def test_mean_is_exact_at_the_top_of_the_range() -> None:
    frame = np.array([[[65535, 65535, 1], [65535, 65534, 4]]], np.uint16)
    # 65534.75 and, with the last column repeated, 2.5: both round up.
    assert shrink_image(frame, (2, 2)).tolist() == [[[65535, 3]]]


def test_means_of_floats_are_not_rounded_to_whole_values() -> None:
    frame = np.array([[[0.25, 0.5, 1.0], [0.75, 1.0, 3.0]]], np.float32)
    shrunk = shrink_image(frame, (2, 2))
    assert shrunk.dtype == np.float32
    assert shrunk.tolist() == [[[0.625, 2.0]]]


def test_factor_one_changes_nothing() -> None:
    frame = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert np.array_equal(shrink_image(frame, (1, 1)), frame)
    assert np.array_equal(shrink_labels(frame, (1, 1)), frame)
