import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store import table
from raysynth.store.dataset import finalise, invalidate
from raysynth.store.marks import done_shards, read_done, record_failure, write_done
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec, table_key
from raysynth.store.verify import VerifyReport, verify_dataset
from tests.fixtures.datasets import MakeShard, Write, fill


def test_an_intact_data_set_passes(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    write(tmp_path, spec)
    seen: list[tuple[int, int]] = []
    report = verify_dataset(Dataset(tmp_path), progress=lambda done, total, message="": seen.append((done, total)))
    assert report.ok
    assert (report.shards, report.cells) == (3, 10)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_report_names_what_it_found(tmp_path: Path) -> None:
    report = VerifyReport("out/x", 3, 7, {1: ["a is missing", "b is damaged"]}, ["zarr.json"])
    assert report.to_json() == {
        "dataset": "out/x",
        "shards": 3,
        "cells": 7,
        "ok": False,
        "bad": {"1": "a is missing; b is damaged"},
        "altered": {"0": "zarr.json"},
    }
    assert str(report).splitlines()[3:] == [
        "ok: False",
        "bad:",
        "  1: a is missing; b is damaged",
        "altered:",
        "  0: zarr.json",
    ]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "altered": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
}


@pytest.mark.parametrize(
    ("damage", "key"),
    [
        ("missing", "1/c/1/0/0/0"),
        ("truncated", "0/c/1/0/0/0"),
        ("altered", "labels/cells/0/c/1/0/0/0"),
        ("missing", "cells.parquet/part-00001.parquet"),
    ],
)
def test_damage_is_found_and_repaired(
    tmp_path: Path, write: Write, shard: MakeShard, spec: DatasetSpec, damage: str, key: str
) -> None:
    objects = write(tmp_path, spec).objects
    DAMAGES[damage](tmp_path / key)
    report = verify_dataset(Dataset(tmp_path))
    assert report.bad.keys() == {1}
    assert report.bad[1] == [f"{key} is {'missing' if damage == 'missing' else 'damaged'}"]
    invalidate(objects, report.bad)
    assert done_shards(objects) == {0, 2}
    fill(objects, spec, 1)
    finalise(objects)
    assert verify_dataset(Dataset(tmp_path)).ok


def test_unfinished_and_failed_shards_are_named(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    write(tmp_path, spec, shards=[0])
    record_failure(Objects(tmp_path), 2, "out of memory")
    (tmp_path / "done/00000.json").write_text("{")
    assert verify_dataset(Dataset(tmp_path)).bad == {
        0: ["its done mark is damaged"],
        1: ["not finished"],
        2: ["failed: out of memory"],
    }
    with pytest.raises(InputError, match=r"00000\.json is damaged: run `raysynth verify"):
        finalise(Objects(tmp_path))
    invalidate(Objects(tmp_path), [0])


def test_altered_documents_are_found_and_written_anew(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    write(tmp_path, spec)
    text = (tmp_path / "labels/cells/0/zarr.json").read_text()
    (tmp_path / "labels/cells/0/zarr.json").write_text(text.replace("uint32", "float32"))
    (tmp_path / "labels/zarr.json").unlink()
    report = verify_dataset(Dataset(tmp_path))
    assert set(report.altered) == {"labels/cells/0/zarr.json", "labels/zarr.json"}
    assert not report.bad
    finalise(Objects(tmp_path))
    assert verify_dataset(Dataset(tmp_path)).ok


def test_a_table_that_disagrees_with_the_labels_is_found(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    """A table with its own checksum in order, as a faulty composer could have written it."""
    dataset = write(tmp_path, spec)
    objects = Objects(str(tmp_path))
    labels = dataset.shard_labels(0)
    labels[0, 0, 0, 0] = 0  # one voxel less
    labels[1][labels[1] == 5] = 7
    data = table.to_parquet(table.measure(labels, 0, ("z", "y", "x")))
    objects.put(table_key(0), data)
    mark = read_done(objects, 0)
    sha256 = mark.sha256 | {table_key(0): hashlib.sha256(data).hexdigest()}
    write_done(objects, 0, mark.model_copy(update={"sha256": sha256}))
    assert verify_dataset(Dataset(tmp_path)).bad == {
        0: [
            "frame 1: label 5 is not in the table",
            "frame 1: cell 7 is not in the labels",
            "frame 0: cell 1 is measured otherwise",
        ]
    }


def test_a_mark_of_another_layout_is_found(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    write(tmp_path, spec)
    mark = read_done(Objects(str(tmp_path)), 2)
    write_done(Objects(str(tmp_path)), 2, mark.model_copy(update={"frames": 2}))
    assert verify_dataset(Dataset(tmp_path)).bad == {2: ["its done mark is of another layout"]}


def test_some_shards_are_checked_alone(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path, spec, shards=[0])
    report = verify_dataset(dataset, only={0})
    assert (report.ok, report.shards, report.cells) == (True, 3, 4)
    assert verify_dataset(dataset, only=[2, 0]).bad == {2: ["not finished"]}


def test_verify_needs_a_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a raysynth data set"):
        verify_dataset(Dataset(tmp_path))
    assert not any(tmp_path.iterdir())
