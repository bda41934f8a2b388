"""Arms, and the frames that score them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.config import DataConfig, EvaluateConfig, SplitConfig
from raysynth.data.frames import Pixels
from raysynth.experiment.protocol import (
    Row,
    frame_counts,
    jaccards,
    mean_seg,
    named_sets,
    rows,
    scored_frames,
    seeds_of,
)


def test_rows_of_the_main_table_the_ablations_and_the_curve() -> None:
    titles = [row.title for row in rows(EvaluateConfig(), ["main", "rho-0"], True, 4)]
    assert titles == [
        "none",
        "real",
        "synthetic (main)",
        "synthetic (rho-0)",
        "both (main)",
        "both (rho-0)",
        "real, real frames: 1",
        "both (main), real frames: 1",
        "real, real frames: 2",
        "both (main), real frames: 2",
    ]
    assert len({row.key for row in rows(EvaluateConfig(), ["main", "rho-0"], True, 4)}) == 10


def test_limited_real_frames_are_not_trained_twice_by_the_curve() -> None:
    config = EvaluateConfig(real_frames=2)
    keys = [row.key for row in rows(config, ["s"], True, 4)]
    assert keys == ["none", "real.real2", "synthetic.s", "both.s.real2", "real.real1", "both.s.real1"]
    assert rows(config, ["s"], False, 2)[1] == Row("real")


def test_fewer_synthetic_frames_are_rows_of_the_main_set() -> None:
    found = rows(EvaluateConfig(real_frames=2), ["main", "rho-0"], False, 4, [10, 30])[-4:]
    assert [row.key for row in found] == [
        "synthetic.main.synthetic10",
        "both.main.real2.synthetic10",
        "synthetic.main.synthetic30",
        "both.main.real2.synthetic30",
    ]
    assert found[1].title == "both (main), real frames: 2, synthetic frames: 10"


def test_keys_of_kept_trainings_do_not_change() -> None:
    kept = {Row("none"): "none", Row("real", None, 2): "real.real2", Row("both", "s"): "both.s"}
    assert {row: row.key for row in kept} == kept


def test_numbers_of_frames() -> None:
    assert frame_counts("30,10,10") == [10, 30]
    for wrong in ("", "0", "10,", "10 30", "-1", "1.5", "all"):
        with pytest.raises(InputError, match="--synthetic-curve"):
            frame_counts(wrong)


def test_untrained_weights_have_one_seed() -> None:
    assert list(seeds_of(Row("none"), EvaluateConfig())) == [0]
    assert list(seeds_of(Row("real"), EvaluateConfig())) == [0, 1, 2]


def test_names_of_synthetic_sets() -> None:
    assert named_sets(["out/a.zarr", "rho-0=out/b=c.zarr"]) == {"synthetic": "out/a.zarr", "rho-0": "out/b=c.zarr"}
    assert named_sets(["out/x=1.zarr"]) == {"synthetic": "out/x=1.zarr"}
    for wrong in (["a", "b"], ["real=a"], ["a b=c"], ["name="]):
        with pytest.raises(InputError, match="--synthetic"):
            named_sets(wrong)


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
    untested = sequences.model_copy(update={"split": SplitConfig(train=("01",))})
    with pytest.raises(InputError, match="to test"):
        scored_frames(untested, None)
