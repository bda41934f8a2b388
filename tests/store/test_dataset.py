from pathlib import Path

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store.dataset import create_dataset, finalise, invalidate, read_manifest
from raysynth.store.marks import done_shards, failures, record_failure
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify
from raysynth.store.writer import write_shard


def contents(folder: Path) -> dict[str, bytes]:
    """Everything that sameness covers."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in files.items() if name.parts[0] != "runs"}


def test_any_order_and_any_interruption_gives_the_same_bytes(tmp_path: Path, write, shard, spec, manifest) -> None:
    write(tmp_path / "one", spec)
    other = tmp_path / "other"
    for index in (2, 0, 0, 1):
        create_dataset(str(other), manifest(spec))
        write_shard(str(other), spec, index, *shard(spec, index))
    (other / "0" / "c" / "1" / "0" / "0" / "0#1").write_bytes(b"left by a killed writer")
    finalise(str(other))
    assert contents(tmp_path / "one") == contents(other)


def test_more_frames_extend_the_data_set(tmp_path: Path, write, shard, spec, manifest) -> None:
    longer = spec.model_copy(update={"frames": 8})
    write(tmp_path / "longer", longer)
    grown = str(tmp_path / "grown")
    write(grown, spec)
    create_dataset(grown, manifest(longer))
    assert done_shards(grown) == {0, 1}  # the last one was not full
    assert Dataset(grown).present == [0, 1, 2, 3]
    for index in (2, 3):
        write_shard(grown, longer, index, *shard(longer, index))
    finalise(grown)
    assert contents(tmp_path / "longer") == contents(tmp_path / "grown")


def test_totals_cover_the_finished_shards(tmp_path: Path, write, spec) -> None:
    assert write(tmp_path, spec, shards=[0, 2]).manifest.counts == {"placed": 6}


def test_failures_are_recorded_until_the_shard_succeeds(tmp_path: Path, shard, spec, manifest) -> None:
    uri = str(tmp_path)
    create_dataset(uri, manifest(spec))
    record_failure(uri, 1, "only 3 of 8 cells passed the gate")
    assert failures(uri) == {1: "only 3 of 8 cells passed the gate"}
    write_shard(uri, spec, 1, *shard(spec, 1))
    assert failures(uri) == {}


def test_invalidated_shards_leave_the_table_and_the_present_frames(tmp_path: Path, write, shard, spec) -> None:
    uri = str(tmp_path)
    write(uri, spec)
    before = contents(tmp_path)
    assert invalidate(uri, [1, 1]) == [1]
    dataset = Dataset(uri)
    assert dataset.present == [0, 1, 4]
    assert set(dataset.cells()["frame"].to_pylist()) == {0, 1, 4}
    write_shard(uri, spec, 1, *shard(spec, 1))
    finalise(uri)
    assert contents(tmp_path) == before
    assert verify(uri).ok


def test_other_settings_and_other_files_are_refused_untouched(tmp_path: Path, write, spec, manifest) -> None:
    write(tmp_path / "a", spec)
    before = contents(tmp_path / "a")
    with pytest.raises(InputError, match="made from other settings"):
        create_dataset(str(tmp_path / "a"), manifest(spec, bundle="b2"))
    assert contents(tmp_path / "a") == before
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("...")
    with pytest.raises(InputError, match="thesis holds other files"):
        create_dataset(str(tmp_path / "thesis"), manifest(spec))
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_lease_may_come_before_the_data_set(tmp_path: Path, spec, manifest) -> None:
    Objects(str(tmp_path), create=True).put("runs/lease.json", b"{}")
    create_dataset(str(tmp_path), manifest(spec))
    assert read_manifest(Objects(str(tmp_path))) == manifest(spec)


def test_a_new_data_set_has_no_frames_yet(tmp_path: Path, spec, manifest) -> None:
    create_dataset(str(tmp_path), manifest(spec))
    dataset = Dataset(str(tmp_path))
    assert len(dataset) == 0
    assert dataset.cells().num_rows == 0
    assert dataset.array("labels").shape == (5, 3, 18, 21)
    assert dataset.array("labels").dtype == np.uint32
