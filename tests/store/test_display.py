"""What a viewer shows first, read as viewers read it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr_models.common.omero import Omero
from ome_zarr_models.v05 import Image

from raysynth.base.objects import Objects
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.display import display_of, measure_display
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.verify import verify_dataset
from raysynth.store.writer import write_shard
from tests.fixtures.datasets import MakeManifest, MakeShard, Write, fill


def shown(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "zarr.json").read_text())["attributes"]["ome"]["omero"]
    return found


def test_most_pixels_lie_within_the_window(tmp_path: Path, write: Write, any_spec: DatasetSpec) -> None:
    dataset = write(tmp_path, any_spec)
    window = shown(tmp_path)["channels"][0]["window"]
    pixels = np.asarray(dataset.array("image", any_spec.levels - 1)[...])
    inside = (pixels >= window["start"]) & (pixels <= window["end"])
    assert 0.99 < inside.mean() <= 1
    assert window["min"] <= window["start"] < window["end"] <= window["max"]
    if any_spec.dtype != "float32":
        assert (window["min"], window["max"]) == (0, np.iinfo(any_spec.dtype).max)


def test_the_window_is_that_of_the_cells_and_the_plane_is_the_middle_one(
    tmp_path: Path, spec: DatasetSpec, manifest: MakeManifest, shard: MakeShard
) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(spec))
    made = shard(spec, 1)
    images = np.where(made.labels > 0, 1000, 40).astype(np.uint16)
    write_shard(objects, spec, 1, images, *made[1:])
    finalise(objects)
    found = shown(tmp_path)
    assert found["channels"][0]["window"] == {"min": 0, "max": 65535, "start": 40, "end": 1000}
    assert found["rdefs"] == {"defaultT": 2, "defaultZ": 1, "model": "greyscale"}


def test_even_frames_have_a_window_that_is_not_empty(
    tmp_path: Path, any_spec: DatasetSpec, manifest: MakeManifest, shard: MakeShard
) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(any_spec))
    made = shard(any_spec, 0)
    write_shard(objects, any_spec, 0, np.zeros_like(made.images), *made[1:])
    finalise(objects)
    window = shown(tmp_path)["channels"][0]["window"]
    assert 0 <= window["start"] < window["end"]


def test_viewers_get_the_window(tmp_path: Path, write: Write, any_spec: DatasetSpec) -> None:
    write(tmp_path / "x.zarr", any_spec)
    window = shown(tmp_path / "x.zarr")["channels"][0]["window"]
    node = next(iter(Reader(parse_url(str(tmp_path / "x.zarr")))()))
    assert node.metadata["contrast_limits"] == [[window["start"], window["end"]]]
    omero = Omero.model_validate(shown(tmp_path / "x.zarr"))
    assert (omero.channels[0].window.start, omero.channels[0].window.end) == (window["start"], window["end"])
    assert Image.from_zarr(zarr.open_group(tmp_path / "x.zarr", mode="r"))


def test_a_data_set_without_frames_has_no_window_and_keeps_the_one_it_had(
    tmp_path: Path, write: Write, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    assert display_of(write(tmp_path / "none", spec, shards=[]).objects) is None
    objects = write(tmp_path / "some", spec, shards=[1]).objects
    before = display_of(objects)
    assert before is not None
    create_dataset(objects, manifest(spec.model_copy(update={"frames": 8})))  # a run that resumes it
    assert display_of(objects) == before


def test_damaged_shards_leave_the_others_to_be_measured(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    objects = write(tmp_path, spec).objects
    (tmp_path / "1/c/0/0/0/0").write_bytes(b"")
    assert measure_display(objects, spec, frozenset()) is not None


@pytest.mark.parametrize("change", ["removed", "changed"])
def test_data_sets_without_it_and_windows_set_by_viewers_are_valid(
    tmp_path: Path, write: Write, spec: DatasetSpec, change: str
) -> None:
    write(tmp_path, spec)
    path = tmp_path / "zarr.json"
    document = json.loads(path.read_text())
    if change == "removed":  # as data sets of earlier versions
        del document["attributes"]["ome"]["omero"]
    else:
        document["attributes"]["ome"]["omero"]["channels"][0]["color"] = "00FF00"
    path.write_text(json.dumps(document))
    assert verify_dataset(Dataset(tmp_path)).ok
    document["attributes"]["ome"]["multiscales"][0]["axes"][1]["unit"] = "meter"
    path.write_text(json.dumps(document))
    assert verify_dataset(Dataset(tmp_path)).altered == ["zarr.json"]


def test_an_extended_data_set_shows_what_a_long_one_shows(
    tmp_path: Path, write: Write, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    longer = spec.model_copy(update={"frames": 20})
    write(tmp_path / "longer", longer)
    objects = write(tmp_path / "grown", spec).objects
    create_dataset(objects, manifest(longer))
    for index in (9, 4, 2, 3, 8, 5, 7, 6):
        fill(objects, longer, index)
    finalise(objects)
    assert shown(tmp_path / "grown") == shown(tmp_path / "longer")
