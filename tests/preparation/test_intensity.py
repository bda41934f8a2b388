from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from raysynth.preparation.intensity import IntensityMap, fit_intensity


@given(
    low=st.floats(-100, 40_000), span=st.floats(1, 60_000), kind=st.sampled_from(["linear", "sqrt"]), x=st.floats(0, 1)
)
def test_round_trip(low: float, span: float, kind: Literal["linear", "sqrt"], x: float) -> None:
    grey = low + x * span
    mapped = IntensityMap(low=low, high=low + span, kind=kind)
    assert mapped.from_unit(mapped.to_unit(grey)) == pytest.approx(grey, abs=1e-2 + 1e-4 * span)


def test_unit_stays_in_bounds_and_in_order() -> None:
    unit = IntensityMap(low=10, high=20, kind="sqrt").to_unit(np.array([0, 10, 12, 20, 99], np.uint16))
    assert unit.dtype == np.float32
    assert unit.tolist() == pytest.approx([0, 0, 0.2**0.5, 1, 1])


def test_fit_ignores_hot_pixels_and_keeps_an_offset() -> None:
    masks = np.zeros((10, 100, 100), bool)
    masks[:, 40:60, 40:60] = True
    images = np.where(masks, 32_968, 32_818).astype(np.uint16)
    images[0, 50, 50] = 65_535
    mapped = fit_intensity(images, masks, "linear")
    assert (mapped.low, mapped.high) == (32_818, 32_968)


def test_rare_bright_cells_are_not_cut_off() -> None:
    masks = np.zeros((100, 32, 32), bool)
    masks[:, 14:18, 14:18] = True
    images = np.where(masks, 50, 10)
    images[0][masks[0]] = 200
    assert fit_intensity(images, masks, "linear").high == 200


def test_a_constant_image_still_has_a_map() -> None:
    assert fit_intensity(np.full((1, 4, 4), 5), np.ones((1, 4, 4), bool), "linear").high == 6


def test_bounds_must_be_ordered() -> None:
    with pytest.raises(ValidationError):
        IntensityMap(low=3, high=3)
