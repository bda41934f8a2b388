import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from raysynth.store.spec import ARRAYS, DatasetSpec

KIB = 1024


@st.composite
def specs(draw: st.DrawFn) -> DatasetSpec:
    shape = draw(st.lists(st.integers(1, 2000), min_size=2, max_size=3))
    voxel = draw(st.none() | st.lists(st.floats(0.1, 5), min_size=len(shape), max_size=len(shape)))
    return DatasetSpec(
        frames=draw(st.integers(1, 50)),
        frame_shape=tuple(shape),
        dtype=draw(st.sampled_from(["uint8", "uint16", "float32"])),
        voxel_um=voxel and tuple(voxel),
        frames_per_shard=draw(st.integers(1, 20)),
        levels=draw(st.integers(1, 4)),
        chunk_limit=draw(st.sampled_from([512 * KIB, 4 * KIB * KIB])),
    )


@given(specs())
def test_shards_are_whole_chunks_within_the_limits(spec: DatasetSpec) -> None:
    for array in ARRAYS:
        for level in range(spec.levels):
            chunk, shard, shape = spec.chunk(array, level), spec.shard(array, level), spec.level_shape(level)
            assert chunk[0] == 1
            assert shard[0] == spec.frames_per_shard
            assert all(s % c == 0 for s, c in zip(shard, chunk, strict=True))
            assert math.prod(chunk) * spec.itemsize(array) <= spec.chunk_limit
            # A tile is at least 256 KiB; only a small frame makes a smaller chunk.
            assert math.prod(chunk) * spec.itemsize(array) >= min(256 * KIB, math.prod(shape) * spec.itemsize(array))
            one_tile = spec.frames_per_shard * math.prod(chunk) * spec.itemsize(array)
            assert math.prod(shard) * spec.itemsize(array) <= max(spec.shard_limit, one_tile)


@given(specs())
def test_shards_cover_every_frame_once(spec: DatasetSpec) -> None:
    frames = [frame for index in range(spec.shards) for frame in spec.shard_frames(index)]
    assert frames == list(range(spec.frames))
    with pytest.raises(ValueError, match="outside"):
        spec.shard_frames(spec.shards)


def test_levels_even_out_anisotropy_before_they_shrink_z() -> None:
    spec = DatasetSpec(
        frames=1, frame_shape=(10, 80, 81), dtype="uint8", voxel_um=(1.75, 0.8, 0.8), frames_per_shard=1, levels=3
    )
    assert [spec.factors(level) for level in range(3)] == [(1, 1, 1), (1, 2, 2), (2, 4, 4)]
    assert spec.level_shape(2) == (5, 20, 21)


def test_tiles_of_large_frames_have_their_own_objects() -> None:
    spec = DatasetSpec(
        frames=4,
        frame_shape=(900, 1000),
        dtype="uint16",
        voxel_um=None,
        frames_per_shard=2,
        chunk_limit=512 * KIB,
        shard_limit=1024 * KIB,
    )
    assert spec.chunk("image", 0) == (1, 450, 500)
    assert spec.shard_keys("image", 0, 1) == [f"0/c/1/{y}/{x}" for y in range(2) for x in range(2)]
    assert spec.shard_keys("labels", 1, 0)[0] == "labels/cells/1/c/0/0/0"


@pytest.mark.parametrize("change", [{"voxel_um": (1.0,)}, {"frame_shape": (4,)}, {"dtype": "int16"}, {"frames": 0}])
def test_impossible_data_sets_are_refused(spec: DatasetSpec, change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DatasetSpec.model_validate(spec.model_dump() | change)
