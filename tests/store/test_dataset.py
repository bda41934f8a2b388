from pathlib import Path

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store.dataset import create_dataset, finalise, invalidate, read_manifest
from raysynth.store.marks import done_shards, failures, record_failure
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.verify import verify_dataset
from tests.fixtures.datasets import MakeManifest, MakeShard, Write, fill


def contents(folder: Path) -> dict[str, bytes]:
    """Everything that sameness covers."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in files.items() if name.parts[0] != "runs"}


def test_any_order_and_any_interruption_gives_the_same_bytes(
    tmp_path: Path, write: Write, shard: MakeShard, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    write(tmp_path / "one", spec)
    other = tmp_path / "other"
    objects = Objects(other, create=True)
    for index in (2, 0, 0, 1):
        create_dataset(objects, manifest(spec))
        fill(objects, spec, index)
        finalise(objects)
    (other / "0" / "c" / "1" / "0" / "0" / "0#1").write_bytes(b"left by a killed writer")
    finalise(objects)
    assert contents(tmp_path / "one") == contents(other)


def test_files_of_users_stay(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    write(tmp_path, spec)
    for name in ("notes#2", "0/c/plate#1", "done/00000.json.bak#3"):
        (tmp_path / name).touch()
    finalise(Objects(tmp_path))
    assert all((tmp_path / name).exists() for name in ("notes#2", "0/c/plate#1", "done/00000.json.bak#3"))


def test_files_of_the_system_among_the_marks_are_passed_over(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    objects = write(tmp_path, spec, shards=[0, 2]).objects
    record_failure(objects, 1, "no room")
    for folder in ("done", "runs/failed"):
        for name in (".DS_Store", "._00001.json", "00001.json.part", "1.json", "Thumbs.db", "²²²²².json"):
            (tmp_path / folder / name).write_bytes(b"\x00\x01")
    assert done_shards(objects) == {0, 2}
    assert failures(objects) == {1: "no room"}
    finalise(objects)
    dataset = Dataset(tmp_path)
    assert verify_dataset(dataset).bad == {1: ["failed: no room"]}
    assert dataset.cells().num_rows == 6
    assert len(list(dataset)) == 3


def test_more_frames_extend_the_data_set(
    tmp_path: Path, write: Write, shard: MakeShard, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    longer = spec.model_copy(update={"frames": 8})
    write(tmp_path / "longer", longer)
    grown = write(tmp_path / "grown", spec).objects
    create_dataset(grown, manifest(longer))
    assert done_shards(grown) == {0, 1}  # the last one was not full
    assert Dataset(tmp_path / "grown").present == [0, 1, 2, 3]
    for index in (2, 3):
        fill(grown, longer, index)
    finalise(grown)
    assert contents(tmp_path / "longer") == contents(tmp_path / "grown")


def test_totals_cover_the_finished_shards(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    assert write(tmp_path, spec, shards=[0, 2]).manifest.counts == {"placed": 6}


def test_failures_are_recorded_until_the_shard_succeeds(
    tmp_path: Path, shard: MakeShard, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(spec))
    record_failure(objects, 1, "only 3 of 8 cells passed the gate")
    assert failures(objects) == {1: "only 3 of 8 cells passed the gate"}
    fill(objects, spec, 1)
    assert failures(objects) == {}


def test_invalidated_shards_leave_the_table_and_the_present_frames(
    tmp_path: Path, write: Write, shard: MakeShard, spec: DatasetSpec
) -> None:
    objects = write(tmp_path, spec).objects
    before = contents(tmp_path)
    assert invalidate(objects, [1, 1]) == [1]
    dataset = Dataset(tmp_path)
    assert dataset.present == [0, 1, 4]
    assert set(dataset.cells()["frame"].to_pylist()) == {0, 1, 4}
    fill(objects, spec, 1)
    finalise(objects)
    assert contents(tmp_path) == before
    assert verify_dataset(Dataset(tmp_path)).ok


def test_other_settings_and_other_files_are_refused_untouched(
    tmp_path: Path, write: Write, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    write(tmp_path / "a", spec)
    before = contents(tmp_path / "a")
    with pytest.raises(InputError, match="made from other settings"):
        create_dataset(Objects(tmp_path / "a"), manifest(spec, bundle="b2"))
    assert contents(tmp_path / "a") == before
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("...")
    with pytest.raises(InputError, match="thesis holds other files"):
        create_dataset(Objects(tmp_path / "thesis"), manifest(spec))
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_lease_may_come_before_the_data_set(tmp_path: Path, spec: DatasetSpec, manifest: MakeManifest) -> None:
    objects = Objects(tmp_path)
    objects.put("runs/lease.json", b"{}")
    create_dataset(objects, manifest(spec))
    assert read_manifest(objects) == manifest(spec)


def test_a_new_data_set_has_no_frames_yet(tmp_path: Path, spec: DatasetSpec, manifest: MakeManifest) -> None:
    create_dataset(Objects(tmp_path), manifest(spec))
    dataset = Dataset(str(tmp_path))
    assert len(dataset) == 0
    assert dataset.cells().num_rows == 0
    assert dataset.array("labels").shape == (5, 3, 18, 21)
    assert dataset.array("labels").dtype == np.uint32
