import errno
import os
from pathlib import Path
from typing import Protocol
from unittest.mock import Mock

import obstore
import pytest
from obstore.exceptions import GenericError

from raysynth.base.disk import STORE_ERRORS
from raysynth.base.errors import InputError, RunError
from raysynth.base.objects import Objects, absolute
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write


class Disk(Protocol):
    """The fixture `disk`."""

    folder: Path

    def resize(self, megabytes: int) -> None: ...


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """A folder, and a prefix of a bucket."""
    return Objects(tmp_path if request.param == "folder" else request.getfixturevalue("bucket"))


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
    flushed: set[str] = set()
    fsync = os.fsync

    def recorded(handle: int) -> None:
        flushed.add(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    Objects(str(tmp_path)).put_all({"c/0/1": b"a", "b": b""})
    assert flushed == {str(tmp_path / name) for name in ("c/0/1", "c/0", "c", "b", "")}


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    Objects(str(tmp_path), create=True).put("a", b"1")
    assert Objects(f"file://{tmp_path}").get("a") == b"1"


def test_half_written_objects_are_invisible_and_swept(tmp_path: Path) -> None:
    objects = Objects(str(tmp_path))
    for name in ("done/1.json#1", "runs/lease.json#1", "notes#2", "done/my plate#3", "x#1/done/1.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"ha")
    (tmp_path / "done/2.json#7").mkdir()
    assert objects.keys() == ["x#1/done/1.json"]
    objects.sweep(lambda: {"done/1.json", "done/2.json"})
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"runs/lease.json#1", "notes#2", "done/my plate#3", "x#1/done/1.json"}


def test_only_one_creates_and_only_what_was_read_is_swapped(place: Objects) -> None:
    assert place.put_new("a/b", b"1")
    assert not place.put_new("a/b", b"2")
    assert place.get("a/b") == b"1"
    assert not place.swap("a/b", b"2", b"3")
    assert place.swap("a/b", b"1", b"3")
    assert place.get("a/b") == b"3"
    assert not place.swap("a/b", b"1", None)
    assert place.swap("a/b", b"3", None)
    assert not place.swap("a/b", b"3", b"4")
    assert place.keys() == []


def test_a_disk_without_hard_links_creates_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obstore, "put", Mock(side_effect=GenericError("cannot link (os error 1)")))
    objects = Objects(tmp_path)
    assert objects.put_new("a", b"1")
    assert not objects.put_new("a", b"2")
    assert objects.get("a") == b"1"
    monkeypatch.setattr(obstore, "put", Mock(side_effect=GenericError("another error (os error 5)")))
    with pytest.raises(GenericError, match="another error"):
        objects.put_new("b", b"1")


@pytest.mark.parametrize(
    "uri",
    [
        "gs://bucket/x",
        "https://host/x",
        "s3://",
        "s3://bucket",
        "s3:///x",
        "s3:/bucket/x",
        "s3:",
        "file://other-host/x",
    ],
)
def test_other_addresses_are_refused_and_make_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is not an address of data: give a folder"):
        Objects(uri, create=True)
    assert not any(tmp_path.iterdir())


def test_addresses_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("out/x.zarr") == absolute(Path("out/x.zarr")) == str(tmp_path / "out/x.zarr")
    assert absolute(f"file://{tmp_path}/a%20b") == str(tmp_path / "a b")
    assert absolute("s3://bucket/x") == "s3://bucket/x"
    with pytest.raises(InputError, match="is not an address"):
        absolute("s3:/bucket/x")


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


def test_a_full_disk_keeps_what_was_there(disk: Disk) -> None:
    objects = Objects(str(disk.folder))
    objects.put("a", b"1")
    with pytest.raises(RunError, match="disk has no room left"):
        objects.put("a", bytes(2 * 2**20))
    objects.sweep(lambda: {"a"})
    assert [path.name for path in disk.folder.rglob("*")] == ["a"]
    assert objects.get("a") == b"1"
    disk.resize(4)
    objects.put("a", bytes(2 * 2**20))
    assert len(objects.get("a")) == 2 * 2**20


def test_a_data_set_lives_in_s3(bucket: str, write: Write, spec: DatasetSpec) -> None:
    dataset = write(bucket, spec, shards=[0, 2])
    assert dataset.present == [0, 1, 4]
    assert dataset.cells().num_rows == 6
    assert dataset.image(4).shape == spec.frame_shape
    with pytest.raises(FileNotFoundError):
        dataset.objects.get("nothing")
