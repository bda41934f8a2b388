from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysynth.base.disk import STORE_ERRORS
from raysynth.base.objects import Objects
from raysynth.store import marks
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard
from tests.fixtures.datasets import MakeManifest, MakeShard, Shard


@settings(max_examples=8)
@given(
    shape=st.lists(st.integers(2, 24), min_size=2, max_size=3),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    frames=st.integers(1, 5),
    per_shard=st.integers(1, 3),
    levels=st.integers(1, 3),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    shard: MakeShard,
    manifest: MakeManifest,
    shape: list[int],
    dtype: Literal["uint8", "uint16", "float32"],
    frames: int,
    per_shard: int,
    levels: int,
) -> None:
    spec = DatasetSpec(
        frames=frames, frame_shape=tuple(shape), dtype=dtype, voxel_um=None, frames_per_shard=per_shard, levels=levels
    )
    objects = Objects(tmp_path_factory.mktemp("round"))
    create_dataset(objects, manifest(spec))
    parts = [shard(spec, index) for index in range(spec.shards)]
    for index, part in enumerate(parts):
        write_shard(objects, spec, index, *part)
    finalise(objects)
    dataset = Dataset(objects.uri)
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    read = list(dataset)
    assert [frame for frame, _, _ in read] == list(range(frames))
    assert np.array_equal(np.stack([image for _, image, _ in read]), images)
    assert np.array_equal(np.stack([label for _, _, label in read]), labels)
    assert dataset.labels(frames - 1, levels - 1).shape == spec.level_shape(levels - 1)
    assert dataset.cells().num_rows == sum(np.count_nonzero(np.unique(frame)) for frame in labels)


def test_empty_frames_are_objects_too(tmp_path: Path, spec: DatasetSpec, manifest: MakeManifest) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(spec))
    shape = (2, *spec.frame_shape)
    write_shard(
        objects, spec, 0, np.zeros(shape, np.uint16), np.zeros(shape, np.uint32), {"frame": [], "label": []}, {}
    )
    mark = marks.read_done(objects, 0)
    assert len(mark.sha256) == 5  # image and labels at two levels, and the table
    assert mark.sha256.keys() <= set(objects.keys())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s._replace(images=s.images[:1]),
            r"images of shard 0 are uint16 \(1, 3, 18, 21\), not",
        ),
        (lambda s: s._replace(labels=s.labels[:, :, 1:]), "labels of shard 0"),
        (lambda s: s._replace(images=s.images.astype(np.uint8)), "images of shard 0 are uint8"),
        (lambda s: s._replace(labels=s.labels.astype(np.int32)), "labels of shard 0 are int32"),
        (lambda s: s._replace(rows={"frame": [0], "label": [1]}), "different cells"),
        (lambda s: s._replace(counts={"reuse": 1.5}), r"integers: leave out \['reuse'\]"),
    ],
)
def test_what_is_not_a_whole_valid_shard_is_refused_unwritten(
    tmp_path: Path,
    shard: MakeShard,
    spec: DatasetSpec,
    manifest: MakeManifest,
    change: Callable[[Shard], Shard],
    message: str,
) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(spec))
    before = objects.keys()
    with pytest.raises(ValueError, match=message):
        write_shard(objects, spec, 0, *change(shard(spec, 0)))
    assert objects.keys() == before


def test_the_done_mark_comes_after_all_data(
    tmp_path: Path, shard: MakeShard, spec: DatasetSpec, manifest: MakeManifest
) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(spec))
    write_shard(objects, spec, 1, *shard(spec, 1))
    # A folder in the way of one of the last objects: writing stops there, also over an earlier, finished shard.
    (tmp_path / "labels/cells/1/c/1/0/0/0").unlink()
    (tmp_path / "labels/cells/1/c/1/0/0/0/blocked").mkdir(parents=True)
    with pytest.raises(STORE_ERRORS, match="directory"):
        write_shard(objects, spec, 1, *shard(spec, 1))
    assert marks.done_shards(objects) == set()
