"""Training images and their flows."""

from pathlib import Path

import numpy as np
import pytest

from raysynth.data.frames import Pixels
from raysynth.experiment.records import (
    RECORD_CHANNELS,
    keep_records,
    kept_frames,
    make_records,
    normalise,
    own_columns,
    record_file,
)
from tests.fixtures.scenes import square_cells


def test_records_hold_the_resized_image_and_flows_towards_each_cell_s_middle() -> None:
    (image, mask, down, right) = make_records(square_cells(), 2.0)[0].astype(float)
    assert image.shape == (80, 100)
    assert image[mask > 0].mean() > image[mask == 0].mean() + 0.5
    assert mask.sum() == pytest.approx(4 * 2 * 144, rel=0.01)
    assert down[12, 24] > 0.5
    assert down[31, 24] < -0.5
    assert right[22, 14] > 0.5
    assert not down[mask == 0].any()


def test_volumes_give_their_labelled_slices() -> None:
    assert len(make_records(square_cells(shape=(4, 40, 50)), 1.0)) == 3
    assert len(make_records(square_cells((2,), (4, 40, 50)), 1.0)) == 1


def test_no_pixel_beyond_a_split_s_columns_trains() -> None:
    whole = square_cells()
    part = own_columns(Pixels(whole.image, whole.labels, None, (0, 25)))
    assert part.image.shape == (40, 25)
    assert set(np.unique(part.labels)) == {0, 3}


def test_normalised_percentiles() -> None:
    image = normalise(np.arange(1000, dtype=np.uint16).reshape(20, 50))
    assert np.percentile(image, (1, 99)) == pytest.approx((0, 1), abs=1e-5)
    assert not normalise(np.full((4, 4), 7, np.uint8)).any()


def test_records_are_kept_whole_under_the_number_of_their_frame(tmp_path: Path) -> None:
    records = make_records(square_cells(), 1.0)
    keep_records(tmp_path / "real", 7, records)
    assert kept_frames(tmp_path / "real") == {7}
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["00007.npy"]
    np.testing.assert_array_equal(np.load(record_file(tmp_path / "real", 7)), records)


def test_an_image_without_a_cell_is_left_out() -> None:
    whole = square_cells()
    empty = Pixels(whole.image, np.zeros_like(whole.labels), None, whole.columns)
    assert make_records(empty, 1.0).shape == (0, RECORD_CHANNELS, 1, 1)
