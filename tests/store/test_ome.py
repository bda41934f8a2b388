"""The data set through the eyes of others: ome-zarr and ome-zarr-models."""

import json
from pathlib import Path

import numpy as np
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr_models.v05 import Image
from ome_zarr_models.v05.image_label import ImageLabel

from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write


def test_the_hierarchy_is_valid_ome_zarr(tmp_path: Path, write: Write, any_spec: DatasetSpec) -> None:
    spec = any_spec
    write(tmp_path / "x.zarr", spec)
    group = zarr.open_group(tmp_path / "x.zarr", mode="r")
    image = Image.from_zarr(group)
    assert tuple(axis.name for axis in image.attributes.ome.multiscales[0].axes) == spec.axes
    assert ImageLabel.from_zarr(zarr.open_group(tmp_path / "x.zarr" / "labels" / "cells", mode="r"))


def test_ome_zarr_reads_integer_labels_of_the_images_shape(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec)
    nodes = {Path(node.zarr.path).name: node for node in Reader(parse_url(str(tmp_path / "x.zarr")))()}
    image, labels = nodes["x.zarr"].data, nodes["cells"].data
    assert [level.shape for level in image] == [level.shape for level in labels] == [(5, 3, 18, 21), (5, 3, 9, 11)]
    assert labels[0].dtype == np.uint32
    assert np.array_equal(labels[0][4].compute(), dataset.labels(4))
    assert np.array_equal(image[0][4].compute(), dataset.image(4))


def test_units_say_whether_the_voxel_is_known(
    tmp_path: Path, write: Write, spec: DatasetSpec, spec_2d: DatasetSpec
) -> None:
    write(tmp_path / "um", spec, shards=[])
    write(tmp_path / "px", spec_2d, shards=[])
    known, unknown = (json.loads((tmp_path / name / "zarr.json").read_text())["attributes"] for name in ("um", "px"))
    first = known["ome"]["multiscales"][0]
    assert [axis.get("unit") for axis in first["axes"]] == [None, *["micrometer"] * 3]
    assert first["datasets"][1]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 2.0, 1.0, 1.0]},
        {"type": "translation", "translation": [0.0, 0.0, 0.25, 0.25]},
    ]
    assert known["raysynth"]["voxel_um"] == [2.0, 0.5, 0.5]
    assert unknown["raysynth"] == {"voxel_um": None, "unit": "pixel", "missing_frames": [0, 1, 2]}
    assert not any("unit" in axis for axis in unknown["ome"]["multiscales"][0]["axes"])
