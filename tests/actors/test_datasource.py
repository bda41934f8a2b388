from pathlib import Path

import numpy as np
import pytest

import raysynth
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.manifest import Manifest
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard


@pytest.mark.usefixtures("cluster")
def test_rows_are_the_frames_that_are_present(tmp_path: Path) -> None:
    spec = DatasetSpec(frames=5, frame_shape=(6, 8), dtype="uint16", voxel_um=None, frames_per_shard=2)
    uri = str(tmp_path)
    objects = Objects(uri, create=True)
    create_dataset(objects, Manifest(config={}, bundle="b", versions={}, device="cpu", seed=0, dataset=spec))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 2**16, (5, 6, 8), np.uint16)
    labels = np.ones((5, 6, 8), np.uint32)
    for index in (0, 2):
        part = slice(spec.shard_frames(index).start, spec.shard_frames(index).stop)
        rows = {"frame": list(spec.shard_frames(index)), "label": [1] * len(spec.shard_frames(index))}
        write_shard(objects, spec, index, images[part], labels[part], rows, {})
    finalise(objects)
    dataset = raysynth.read_ray(uri)
    assert dataset.materialize().num_blocks() == 2
    found = sorted(dataset.take_all(), key=lambda row: row["frame"])
    assert [row["frame"] for row in found] == [0, 1, 4]
    for row in found:
        assert np.array_equal(row["image"], images[row["frame"]])
        assert np.array_equal(row["labels"], labels[row["frame"]])
        assert (row["image"].dtype, row["labels"].dtype) == (np.uint16, np.uint32)


def test_what_is_not_a_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a raysynth data set"):
        raysynth.read_ray(str(tmp_path))
