import errno
import os
from pathlib import Path
from unittest.mock import Mock

import obstore
import pytest
from obstore.exceptions import GenericError

from raysynth.base.disk import STORE_ERRORS
from raysynth.base.errors import InputError, RunError
from raysynth.base.objects import Objects


def test_objects_are_put_listed_read_and_deleted(tmp_path: Path) -> None:
    objects = Objects(str(tmp_path / "a b"), create=True)
    objects.put_all({"done/1.json": b"one", "done/0.json": b"zero", "donegal": b"no"})
    objects.put("done/1.json", b"uno")
    assert objects.keys("done") == ["done/0.json", "done/1.json"]
    assert objects.get("done/1.json") == b"uno"
    objects.delete("done/1.json")
    objects.delete("done/1.json")
    assert objects.keys() == ["done/0.json", "donegal"]
    with pytest.raises(FileNotFoundError):
        objects.get("done/1.json")


def test_many_objects_are_on_the_disk_with_all_that_leads_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed, fsync = set(), os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (flushed.add(os.readlink(f"/proc/self/fd/{handle}")), fsync(handle))
    )
    Objects(str(tmp_path)).put_all({"c/0/1": b"a", "b": b""})
    assert flushed == {str(tmp_path / name) for name in ("c/0/1", "c/0", "c", "b", "")}


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    Objects(str(tmp_path), create=True).put("a", b"1")
    assert Objects(f"file://{tmp_path}").get("a") == b"1"


def test_half_written_objects_are_invisible_and_swept(tmp_path: Path) -> None:
    objects = Objects(str(tmp_path))
    for name in ("done/1.json#1", "runs/lease.json#1"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"ha")
    assert objects.keys() == []
    objects.sweep(spare="runs/")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["lease.json#1"]


@pytest.mark.parametrize("uri", ["gs://bucket/x", "https://host/x", "s3://bucket", "s3:///x", "file://other-host/x"])
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(InputError, match="is not a place for data"):
        Objects(uri)


def test_missing_and_unwritable_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone is not a folder"):
        Objects(str(tmp_path / "gone"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"file/x cannot be written \(Not a directory"):
        Objects(str(tmp_path / "file" / "x"), create=True)
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.parametrize("error", [OSError(errno.EDQUOT, "Disk quota exceeded"), GenericError("x (os error 28)")])
def test_a_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(obstore, "put", Mock(side_effect=error))
    with pytest.raises(RunError, match="has no room left: make some"):
        Objects(str(tmp_path)).put("a", b"1")


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(STORE_ERRORS, match="Not a directory"):
        Objects(str(tmp_path)).put("a/b", b"1")


def test_a_full_disk_keeps_what_was_there(disk) -> None:
    objects = Objects(str(disk.folder))
    objects.put("a", b"1")
    with pytest.raises(RunError, match="disk has no room left"):
        objects.put("a", bytes(2 * 2**20))
    objects.sweep(spare="runs/")
    assert [path.name for path in disk.folder.rglob("*")] == ["a"]
    assert objects.get("a") == b"1"
    disk.resize(4)
    objects.put("a", bytes(2 * 2**20))
    assert len(objects.get("a")) == 2 * 2**20


def test_a_data_set_lives_in_s3(bucket: str, write, spec) -> None:
    dataset = write(bucket, spec, shards=[0, 2])
    assert dataset.present == [0, 1, 4]
    assert dataset.cells().num_rows == 6
    assert dataset.image(4).shape == spec.frame_shape
    with pytest.raises(FileNotFoundError):
        dataset.objects.get("nothing")
