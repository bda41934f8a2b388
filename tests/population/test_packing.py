"""A packed record gives back the very cells that went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raysynth.base.errors import InputError
from raysynth.population.cell import Cell
from raysynth.population.packing import pack_cells, texture_shape, unpack_cells


@st.composite
def cells(draw: st.DrawFn) -> list[Cell]:
    dimensions = draw(st.sampled_from([2, 3]))

    def one() -> Cell:
        ring = draw(st.integers(0, 3))
        shape = draw(st.tuples(*[st.integers(1, 9)] * dimensions))
        mask = draw(hnp.arrays(bool, shape))
        texture = draw(hnp.arrays(np.float16, texture_shape(shape, ring), elements=st.floats(0, 1, width=16)))
        return Cell(mask, texture, ring, {"seed_key": [0, 1, draw(st.integers(0, 99)), 0], "iou": 0.5})

    return [one() for _ in range(draw(st.integers(0, 4)))]


@given(cells())
def test_round_trip(given_cells: list[Cell]) -> None:
    back = unpack_cells(pack_cells(given_cells))
    assert len(back) == len(given_cells)
    for a, b in zip(given_cells, back, strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_array_equal(a.texture, b.texture)
        assert b.mask.dtype == bool
        assert b.texture.dtype == np.float16
        assert (a.ring, a.provenance) == (b.ring, b.provenance)


def test_masks_take_one_bit_a_voxel() -> None:
    record = pack_cells([Cell(np.ones((8, 8), bool), np.zeros((12, 12), np.float16), 2)])
    assert record["masks"].nbytes == 8


def test_limit_is_one_sentence_that_names_the_setting() -> None:
    cell = Cell(np.ones((8, 8), bool), np.zeros((12, 12), np.float16), 2)
    with pytest.raises(InputError, match=r"generate\.cells_per_shard: 3 cells take"):
        pack_cells([cell] * 3, limit_bytes=500)


def test_mixed_dimensions_are_refused() -> None:
    flat = Cell(np.ones((2, 2), bool), np.zeros((2, 2), np.float16), 0)
    solid = Cell(np.ones((2, 2, 2), bool), np.zeros((2, 2, 2), np.float16), 0)
    with pytest.raises(ValueError, match="all be 2D or all 3D"):
        pack_cells([flat, solid])
