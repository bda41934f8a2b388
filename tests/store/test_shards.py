"""The objects the store encodes, against what zarr-python writes and reads."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from zarr.storage import ObjectStore

from raysynth.base.objects import Objects
from raysynth.store import ome
from raysynth.store.codecs import Codecs, Compressor
from raysynth.store.shards import decode_index, encode, grid_shape, index_bytes
from raysynth.store.spec import ARRAYS, Array, DatasetSpec
from tests.fixtures.datasets import MakeShard

ZSTD = Compressor(cname="zstd", clevel=1, shuffle="shuffle")


@st.composite
def specs(draw: st.DrawFn) -> DatasetSpec:
    """Small data sets; limits below what a specification allows, so that small frames have tiles too."""
    spec = DatasetSpec(
        frames=draw(st.integers(1, 5)),
        frame_shape=tuple(draw(st.lists(st.integers(1, 33), min_size=2, max_size=3))),
        dtype=draw(st.sampled_from(["uint8", "uint16", "float32"])),
        voxel_um=None,
        frames_per_shard=draw(st.integers(1, 3)),
        levels=draw(st.integers(1, 3)),
        codecs=draw(st.sampled_from([Codecs(), Codecs(image=ZSTD, labels=ZSTD)])),
    )
    limits = {"chunk_limit": draw(st.sampled_from([64, 2**20])), "shard_limit": draw(st.sampled_from([512, 2**20]))}
    return spec.model_copy(update=limits)


@settings(max_examples=20)
@given(specs(), st.integers(0, 2**32 - 1))
def test_zarr_reads_what_is_encoded(tmp_path_factory: pytest.TempPathFactory, spec: DatasetSpec, seed: int) -> None:
    objects = Objects(str(tmp_path_factory.mktemp("shards")))
    objects.put_all(ome.hierarchy(spec, []))
    rng = np.random.default_rng(seed)
    for array, level in product(ARRAYS, range(spec.levels)):
        dtype = np.dtype(spec.array_dtype(array))
        shape = (spec.frames, *spec.level_shape(level))
        frames: NDArray[Any]
        if dtype.kind == "f":
            frames = rng.standard_normal(shape, dtype=np.float32)
        else:
            frames = rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
        frames[rng.random(spec.frames) < 0.5] = 0  # empty frames have chunks too
        for index in range(spec.shards):
            part = spec.shard_frames(index)
            objects.put_all(encode(spec, array, level, index, frames[part.start : part.stop]))
        stored = zarr.open_array(objects.zarr(), path=spec.array_path(array, level), mode="r")
        assert np.array_equal(stored[...], frames)


def test_the_bytes_are_those_of_zarr(tmp_path: Path, any_spec: DatasetSpec, shard: MakeShard) -> None:
    spec = any_spec
    objects = Objects(str(tmp_path))
    objects.put_all(ome.hierarchy(spec, []))
    for index in range(spec.shards):
        made, part = shard(spec, index), spec.shard_frames(index)
        pixels: dict[Array, NDArray[Any]] = {"image": made.images, "labels": made.labels}
        for array, frames in pixels.items():
            # zarr leaves empty chunks out if it is not told otherwise; the store never does: what is absent is missing.
            whole = {"write_empty_chunks": True}
            stored = zarr.open_array(
                ObjectStore(objects.store), path=spec.array_path(array, 0), mode="r+", config=whole
            )
            stored[part.start : part.stop] = frames
            for key, data in encode(spec, array, 0, index, frames).items():
                assert objects.get(key) == data


def test_a_damaged_index_is_found(spec: DatasetSpec, shard: MakeShard) -> None:
    data = encode(spec, "labels", 0, 0, shard(spec, 0).labels)["labels/cells/0/c/0/0/0/0"]
    grid = grid_shape(spec, "labels", 0)
    tail = data[-index_bytes(grid) :]
    assert decode_index(tail, grid)[0, 0, 0, 0, 0] == 0
    for damaged in (tail[1:], bytes([tail[0] ^ 1]) + tail[1:]):
        with pytest.raises(ValueError, match="index is damaged"):
            decode_index(damaged, grid)
