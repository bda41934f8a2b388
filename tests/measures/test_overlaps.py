import numpy as np
import pytest

from raysynth.base.arrays import Labels
from raysynth.measures.overlaps import overlap


def bars(*lengths: int, width: int = 40) -> Labels:
    """Cells 1, 2, ... side by side in one row of `width` pixels."""
    row = np.repeat(np.arange(1, len(lengths) + 1), lengths)
    return np.pad(row, (0, width - len(row)))[None].astype(np.uint32)


def test_a_cell_is_matched_by_what_covers_more_than_half_of_it() -> None:
    assert overlap(bars(10), bars(6)).jaccard() == pytest.approx([0.6])
    assert overlap(bars(10), bars(5)).jaccard() == [0]
    assert overlap(bars(10), bars(20)).jaccard() == pytest.approx([0.5])  # far too large a cell matches still
    assert overlap(bars(4, 4), bars(8)).jaccard() == pytest.approx([0.5, 0.5])  # one cell may match two
    assert overlap(bars(3), np.zeros((1, 40), np.uint32)).jaccard() == [0]


def test_large_labels_are_counted_like_small_ones() -> None:
    reference, predicted = bars(10, 12), bars(9, 12)
    high = np.where(reference > 0, reference + np.uint32(4_000_000_000), 0).astype(np.uint32)
    np.testing.assert_array_equal(overlap(high, predicted).jaccard(), overlap(reference, predicted).jaccard())
    np.testing.assert_array_equal(overlap(predicted, high).iou, overlap(predicted, reference).iou)


def test_true_positives_are_pairs_one_to_one() -> None:
    cells = overlap(bars(10, 10), bars(8, 11))
    assert [cells.true_positives(t) for t in (0.5, 0.8, 0.81)] == [2, 1, 0]
    halves = overlap(bars(10), bars(5, 5))  # both halves have an IoU of 0.5 with the one cell
    assert halves.true_positives(0.5) == 1
    assert overlap(bars(10), np.zeros((1, 40), np.uint32)).true_positives(0.5) == 0
