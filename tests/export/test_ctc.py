import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from ctc_metrics.scripts.evaluate import evaluate_sequence
from ctc_metrics.scripts.validate import validate_sequence

from raysynth.base.errors import InputError
from raysynth.export.ctc import write_ctc
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write


def as_result(folder: Path) -> Path:
    """The exported tracks in the layout of a CTC result, which the challenge's own tools check."""
    result = folder / "01_RES"
    result.mkdir()
    for path in (folder / "01_GT/TRA").iterdir():
        shutil.copy(path, result / path.name.replace("man_track.txt", "res_track.txt").replace("man_track", "mask"))
    return result


def test_the_challenges_own_tools_accept_it(tmp_path: Path, write: Write, any_spec: DatasetSpec) -> None:
    spec = any_spec
    dataset = write(tmp_path / "x.zarr", spec)
    report = write_ctc(dataset, str(tmp_path / "ctc"))
    assert report.to_json() == {"folder": str(tmp_path / "ctc"), "frames": spec.frames}
    result = as_result(tmp_path / "ctc")
    assert validate_sequence(str(result), threads=1)["Valid"] == 1
    scores = evaluate_sequence(str(result), str(tmp_path / "ctc/01_GT"), metrics=["SEG", "TRA", "DET"], threads=1)
    assert (scores["SEG"], scores["TRA"], scores["DET"]) == (1, 1, 1)


def test_frames_and_labels_are_exported_as_they_are(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec, shards=[0, 2])
    assert write_ctc(dataset, tmp_path / "deep" / "ctc").frames == 3
    folder = tmp_path / "deep" / "ctc"
    assert sorted(path.name for path in (folder / "01").iterdir()) == ["t000.tif", "t001.tif", "t002.tif"]
    labels = tifffile.imread(folder / "01_GT/SEG/man_seg002.tif")
    assert labels.dtype == np.uint16
    assert np.array_equal(labels, dataset.labels(4))
    assert np.array_equal(tifffile.imread(folder / "01/t002.tif"), dataset.image(4))
    assert (folder / "01_GT/TRA/man_track.txt").read_text() == "1 0 0 0\n2 0 0 0\n3 1 1 0\n4 1 1 0\n5 2 2 0\n6 2 2 0\n"
    assert [path.name for path in folder.parent.iterdir()] == ["ctc"]


def test_track_ids_that_run_out_begin_another_sequence(
    tmp_path: Path, write: Write, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = write(tmp_path / "x.zarr", spec)
    monkeypatch.setattr("raysynth.export.ctc.LARGEST_ID", 5)
    write_ctc(dataset, tmp_path / "ctc")
    assert sorted(path.name for path in (tmp_path / "ctc").iterdir()) == ["01", "01_GT", "02", "02_GT", "03", "03_GT"]
    assert (tmp_path / "ctc/03_GT/TRA/man_track.txt").read_text() == "1 0 0 0\n2 0 0 0\n"
    monkeypatch.setattr("raysynth.export.ctc.LARGEST_ID", 4)
    with pytest.raises(InputError, match="label 5 in frame 0"):
        write_ctc(dataset, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_folders_in_use_and_empty_data_sets_are_refused(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec, shards=[])
    with pytest.raises(InputError, match="no finished frame"):
        write_ctc(dataset, tmp_path / "ctc")
    dataset = write(tmp_path / "x.zarr", spec)
    with pytest.raises(InputError, match=r"x\.zarr is in use"):
        write_ctc(dataset, tmp_path / "x.zarr")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_ctc(dataset, tmp_path / "file" / "ctc")
