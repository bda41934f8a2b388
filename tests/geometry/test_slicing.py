import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from raysynth.geometry.slicing import FieldOnGrid, bounds, slices


def ellipsoid(radii: tuple[float, float, float], middle: float = 0.0) -> FieldOnGrid:
    """Field of an ellipsoid with radii along z, y and x, moved by `middle` along z."""

    def field(z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        z, y, x = torch.meshgrid((z - middle) / radii[0], y / radii[1], x / radii[2], indexing="ij")
        return 1 - (z**2 + y**2 + x**2).sqrt()

    return field


def extent_of(field: FieldOnGrid) -> list[tuple[float, float]]:
    extent = bounds(field)
    assert extent is not None
    return extent


@given(radii=st.tuples(*[st.floats(0.3, 0.8)] * 3), half_side=st.floats(4.0, 20.0), z_step=st.floats(0.3, 3.0))
def test_the_voxels_have_the_cells_height_and_volume(
    radii: tuple[float, float, float], half_side: float, z_step: float
) -> None:
    mask = slices(ellipsoid(radii), (half_side,) * 3, (z_step, 0.4, 0.4))
    assert mask.shape[0] == pytest.approx(2 * radii[0] * half_side / z_step, rel=0.01, abs=0.6)
    if mask.shape[0] > 4:
        expected = 4 / 3 * np.pi * np.prod(radii) * half_side**3
        assert mask.sum() * z_step * 0.4**2 == pytest.approx(expected, rel=0.12)


def test_slices_lie_about_the_cells_own_middle() -> None:
    field = ellipsoid((0.3, 0.6, 0.6), middle=0.35)
    assert extent_of(field)[0] == pytest.approx((0.05, 0.65), abs=0.01)
    mask = slices(field, (10.0,) * 3, (1.0, 0.5, 0.5))
    assert mask.shape[0] == 6
    assert (mask == mask[::-1]).all()


def test_the_cubes_axes_have_their_own_scales() -> None:
    mask = slices(ellipsoid((0.8, 0.8, 0.8)), (5.0, 10.0, 10.0), (0.5, 0.5, 0.5))
    assert mask.shape == (16, 32, 32)


def test_a_cell_flatter_than_the_step_has_one_slice() -> None:
    assert slices(ellipsoid((0.1, 0.7, 0.7)), (8.0,) * 3, (5.0, 0.5, 0.5)).shape[0] == 1


def test_the_mask_is_trimmed_one_piece_without_holes() -> None:
    def field(z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        z, y, x = torch.meshgrid(z, y, x, indexing="ij")
        shell = 0.15 - ((z**2 + y**2 + x**2).sqrt() - 0.45).abs()
        speck = 0.1 - ((z - 0.85) ** 2 + (y - 0.85) ** 2 + (x - 0.85) ** 2).sqrt()
        return torch.maximum(shell, speck)

    mask = slices(field, (10.0,) * 3, (0.5, 0.5, 0.5))
    assert all(mask.any(axis=axes)[[0, -1]].all() for axes in ((1, 2), (0, 2), (0, 1)))
    assert mask[tuple(n // 2 for n in mask.shape)]
    assert max(mask.shape) <= 25


def test_a_cell_at_the_cubes_border_ends_there() -> None:
    low, high = extent_of(ellipsoid((3.0, 0.5, 0.5)))[0]
    assert (low, high) == (-1.0, 1.0)


def test_nothing_has_no_voxels() -> None:
    mask = slices(lambda z, y, x: torch.full((len(z), len(y), len(x)), -0.5), (10.0,) * 3, (1.0, 1.0, 1.0))
    assert mask.shape == (0, 0, 0)
    assert mask.dtype == bool
    assert bounds(lambda z, y, x: torch.full((len(z), len(y), len(x)), -0.5)) is None
