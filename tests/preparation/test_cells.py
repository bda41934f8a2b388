import numpy as np
import pytest

from raysynth.base.arrays import Labels
from raysynth.data.frames import Pixels
from raysynth.preparation.cells import (
    BORDER,
    FRAGMENT,
    PIECES,
    TOO_LARGE,
    LabelledCell,
    find_cells,
    usual_area,
    without_misfits,
)


def cells_of(
    labels: Labels, slices: tuple[int, ...] | None = None, columns: tuple[int, int] | None = None
) -> list[LabelledCell]:
    return find_cells(Pixels(labels.astype(np.uint8), labels, slices, columns or (0, labels.shape[-1])))


@pytest.fixture
def labels() -> Labels:
    labels = np.zeros((64, 64), np.uint32)
    labels[5:15, 5:15] = 1
    labels[20:30, 60:] = 2
    labels[40:50, 5:10] = labels[40:50, 12:17] = 3
    labels[40:50, 30:40] = 4
    labels[52, 30] = 4
    labels[30:33, 30:33] = 5
    labels[2:34, 20:24] = 6
    return labels


def test_reasons(labels: Labels) -> None:
    found = cells_of(labels)
    judged = without_misfits(found, usual_area(found), 26)
    assert {c.label: c.left_out for c in judged} == {1: None, 2: BORDER, 3: PIECES, 4: None, 5: FRAGMENT, 6: TOO_LARGE}


def test_the_largest_piece_is_kept(labels: Labels) -> None:
    cell = next(c for c in cells_of(labels) if c.label == 4)
    assert cell.mask.shape == (1, 10, 10)
    assert cell.start == (0, 40, 30)
    assert cell.solidity == pytest.approx(1)


def test_cells_belong_to_the_columns_of_their_centre(labels: Labels) -> None:
    left, right = cells_of(labels, columns=(0, 20)), cells_of(labels, columns=(20, 64))
    assert {c.label for c in left} == {1, 3}
    assert {c.label for c in left} | {c.label for c in right} == {1, 2, 3, 4, 5, 6}
    assert not {c.label for c in left} & {c.label for c in right}


def test_volumes_are_flagged_where_the_stack_cuts_them() -> None:
    labels = np.zeros((6, 32, 32), np.uint32)
    labels[0:3, 4:12, 4:12] = 1
    labels[2:5, 18:26, 18:26] = 2
    labels[3, 16:28, 16:28] = 2
    first, second = cells_of(labels)
    assert (first.cut_z, second.cut_z) == (True, False)
    assert second.outline.shape == (12, 12)
    assert second.outline.all()
    assert second.extent_um((2.0, 0.5, 0.5)) == pytest.approx((6, 0.5 * (144 * 4 / np.pi) ** 0.5))


def test_sparse_cells_show_their_largest_slice() -> None:
    labels = np.zeros((6, 32, 32), np.uint32)
    labels[1, 4:10, 4:10] = 1
    labels[4, 3:12, 3:12] = 1
    (cell,) = cells_of(labels, slices=(1, 4))
    assert cell.left_out is None
    assert cell.outline.sum() == 81
