"""The frames that score a table, and their scores."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.config import DataConfig, SplitConfig
from raysynth.data.frames import Pixels
from raysynth.experiment.scoring import jaccards, mean_seg, scored_frames


def two_cells(slices: tuple[int, ...] | None = None, columns: tuple[int, int] = (0, 20)) -> Pixels:
    labels = np.zeros((3, 10, 20), np.uint32)
    labels[:, 2:6, 2:6], labels[1:, 2:6, 12:16] = 1, 2
    return Pixels(labels, labels, slices, columns)


def test_only_annotated_slices_and_own_columns_count() -> None:
    found = two_cells().labels.copy()
    found[1, 2:6, 2:4] = 0
    assert jaccards(two_cells(), found) == pytest.approx([40 / 48, 1])
    assert jaccards(two_cells((2,)), found) == [1, 1]
    assert jaccards(two_cells((0, 1)), found) == [1, 0, 1]  # half is not more than half
    assert jaccards(two_cells(columns=(10, 20)), found) == [1]


def test_seg_is_the_mean_over_cells_not_frames() -> None:
    assert mean_seg([[1.0, 1.0, 1.0], [0.0]]) == 0.75
    with pytest.raises(InputError, match="no labelled cell"):
        mean_seg([[], []])


@pytest.fixture
def sequences(tmp_path: Path) -> DataConfig:
    """Two sequences with silver labels, the second with gold ones for one frame."""
    for sequence in ("01", "02"):
        for folder in (sequence, f"{sequence}_ST/SEG", f"{sequence}_GT/SEG"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for time in range(3):
            tifffile.imwrite(tmp_path / sequence / f"t{time:03d}.tif", np.zeros((8, 8), np.uint8))
            tifffile.imwrite(tmp_path / f"{sequence}_ST/SEG/man_seg{time:03d}.tif", np.ones((8, 8), np.uint16))
    tifffile.imwrite(tmp_path / "02_GT/SEG/man_seg001.tif", np.ones((8, 8), np.uint16))
    return DataConfig(root=str(tmp_path), dimensions=2, split=SplitConfig(train=("01",), test=("02",)))


def test_gold_labels_of_the_test_sequence_score(sequences: DataConfig) -> None:
    assert [frame.time for frame in scored_frames(sequences, None)] == [0, 1, 2]
    gold = scored_frames(sequences, "{sequence}_GT/SEG")
    assert [(frame.group, frame.time) for frame in gold] == [("02", 1)]
    assert "02_GT" in str(gold[0].labels[0].path)


def test_a_split_without_test_frames_or_gold_labels_is_refused(sequences: DataConfig) -> None:
    (Path(sequences.root) / "02_GT/SEG/man_seg001.tif").unlink()
    with pytest.raises(InputError, match="labels"):
        scored_frames(sequences, "{sequence}_GT/SEG")
    untested = sequences.with_(split=SplitConfig(train=("01",)))
    with pytest.raises(InputError, match="to test"):
        scored_frames(untested, None)
