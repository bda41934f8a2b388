from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raysynth.base.errors import InputError
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import MakeShard, Write


def test_missing_frames_are_skipped(tmp_path: Path, write: Write, shard: MakeShard, spec: DatasetSpec) -> None:
    dataset = write(tmp_path, spec, shards=[0, 2])
    assert len(dataset) == 3
    assert [frame for frame, _, _ in dataset] == [0, 1, 4]
    assert np.array_equal(dataset.image(4), shard(spec, 2).images[0])
    for frame in (-1, 2, 5):
        with pytest.raises(IndexError, match=f"no frame {frame}"):
            dataset.labels(frame)


def test_the_table_is_one_folder_for_pandas(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path, spec)
    cells = pd.read_parquet(tmp_path / "cells.parquet")
    pd.testing.assert_frame_equal(cells, dataset.cells().to_pandas())
    assert cells["frame"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert cells["label"].tolist() == [1, 5] * 5
    assert cells["source_cell"].tolist() == [2, 4] * 5
    assert cells["volume_px"].tolist() == [3 * 9 * 10, 3 * 18] * 5


def test_what_is_not_a_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a raysynth data set \(it has no manifest\.json\)"):
        Dataset(tmp_path)
