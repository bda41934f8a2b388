from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store.frames import FrameReader
from raysynth.store.reader import Dataset
from raysynth.store.shards import encode
from raysynth.store.spec import ARRAYS, DatasetSpec
from tests.fixtures.datasets import Write


def test_frames_are_what_zarr_reads_at_every_level(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path, spec)
    for array in ARRAYS:
        for level in range(spec.levels):
            reader = FrameReader(dataset.objects, spec, array, level)
            whole = np.asarray(dataset.array(array, level)[...])
            assert all(np.array_equal(reader.read(frame), whole[frame]) for frame in range(spec.frames))


def test_tiles_are_put_together(tmp_path: Path) -> None:
    spec = DatasetSpec(frames=3, frame_shape=(3, 30, 41), dtype="uint16", voxel_um=None, frames_per_shard=2)
    spec = spec.model_copy(update={"chunk_limit": 512, "shard_limit": 2048})
    frames = np.random.default_rng(0).integers(0, 2**16, (3, *spec.frame_shape), np.uint16)
    objects = Objects(str(tmp_path))
    for index, part in enumerate((frames[:2], frames[2:])):
        objects.put_all(encode(spec, "image", 0, index, part))
    reader = FrameReader(objects, spec, "image", 0)
    assert len(spec.shard_keys("image", 0, 0)) > 1
    assert all(np.array_equal(reader.read(frame), frames[frame]) for frame in range(3))


def counted(asked: Counter[str], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*given: Any) -> Any:
        asked[name] += 1
        return method(*given)

    return wrapper


def test_one_request_per_frame_and_one_per_shard(
    tmp_path: Path, write: Write, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = write(tmp_path, spec).objects
    asked: Counter[str] = Counter()
    for name in ("get_ranges", "get_tail", "get"):
        monkeypatch.setattr(objects, name, counted(asked, name, getattr(objects, name)))
    reader = FrameReader(objects, spec, "image", 0)
    for frame in range(spec.frames):
        reader.read(frame)
    assert asked == {"get_ranges": spec.frames, "get_tail": spec.shards}


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_what_cannot_be_read_is_named(tmp_path: Path, write: Write, spec: DatasetSpec, damage: str) -> None:
    write(tmp_path, spec)
    path = tmp_path / "0/c/1/0/0/0"
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:-1])
    dataset = Dataset(str(tmp_path))
    assert dataset.image(0).any()
    with pytest.raises(InputError, match=rf"0/c/1/0/0/0 is {damage}: run `raysynth verify"):
        dataset.image(2)
