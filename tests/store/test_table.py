import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raysynth.base.arrays import Labels
from raysynth.store.table import complete, measure, to_parquet

label_frames = hnp.arrays(np.uint32, (2, 3, 5, 4), elements=st.integers(0, 4))


@given(label_frames)
def test_measures_equal_a_plain_recount(labels: Labels) -> None:
    rows = measure(labels, 10, ("z", "y", "x")).to_pylist()
    assert [(r["frame"], r["label"]) for r in rows] == [(10 + f, n) for f in (0, 1) for n in np.unique(labels[f]) if n]
    for row in rows:
        where = np.argwhere(labels[row["frame"] - 10] == row["label"])
        assert row["volume_px"] == len(where)
        for axis, values in zip("zyx", where.T, strict=True):
            assert (row[f"{axis}_start"], row[f"{axis}_stop"]) == (values.min(), values.max() + 1)
            assert row[f"centroid_{axis}"] == pytest.approx(values.mean())


def test_frames_without_cells_keep_the_columns() -> None:
    empty = measure(np.zeros((2, 4, 4), np.uint32), 0, ("y", "x"))
    full = measure(np.ones((1, 4, 4), np.uint32), 0, ("y", "x"))
    assert empty.num_rows == 0
    assert empty.schema == full.schema


def test_rows_join_in_any_order() -> None:
    labels = np.array([[[1, 0, 3]], [[3, 3, 0]]], np.uint32)
    rows = {"frame": [1, 0, 0], "label": [3, 3, 1], "source_cell": [9, 8, 7], "seed_key": ["c", "b", "a"]}
    table = complete(measure(labels, 0, ("y", "x")), rows)
    assert table["source_cell"].to_pylist() == [7, 8, 9]
    assert pd.read_parquet(io.BytesIO(to_parquet(table)))["seed_key"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"frame": [0], "label": [1]}, r"different cells.*\(0, 3\)"),
        ({"frame": [0, 0, 0], "label": [1, 3, 4]}, r"different cells.*\(0, 4\)"),
        ({"frame": [0, 0, 0], "label": [1, 3, 3]}, "comes twice"),
        ({"frame": [0, 0], "label": [1, 3], "volume_px": [1, 1]}, "measured by the store"),
    ],
)
def test_rows_that_do_not_fit_the_labels_are_refused(rows: dict[str, list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        complete(measure(np.array([[[1, 0, 3]]], np.uint32), 0, ("y", "x")), rows)
