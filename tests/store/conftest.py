"""Small data sets, written through the real store."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.manifest import Manifest
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard


class Shard(NamedTuple):
    """What a composer hands to the writer."""

    images: NDArray[Any]
    labels: NDArray[np.uint32]
    rows: dict[str, list[Any]]
    counts: dict[str, int]


def blocks(spec: DatasetSpec, index: int) -> Shard:
    """A shard of noise with two box-shaped cells a frame, labelled 1 and 5; the second is a pixel wide."""
    frames = spec.shard_frames(index)
    rng = np.random.default_rng(index)
    shape = (len(frames), *spec.frame_shape)
    images = rng.integers(0, np.iinfo(spec.dtype).max, shape, dtype=spec.dtype)
    labels = np.zeros(shape, np.uint32)
    labels[..., : shape[-2] // 2, : shape[-1] // 2] = 1
    labels[..., -1] = 5
    rows = {"frame": [f for f in frames for _ in range(2)], "label": [5, 1] * len(frames)}
    rows |= {"source_cell": [4, 2] * len(frames), "seed_key": ["[0, 4]", "[0, 2]"] * len(frames)}
    return Shard(images, labels, rows, {"placed": 2 * len(frames)})


def make_manifest(spec: DatasetSpec, **changes: Any) -> Manifest:
    """A manifest as `generate` makes it, with a few settings."""
    settings: dict[str, Any] = {"population": {"clustering": 0.5}, "texture": {"rho": 0.7}}
    given = {"config": settings, "bundle": "a1", "versions": {"zarr": "3"}, "device": "cpu", "seed": 3} | changes
    return Manifest(dataset=spec, **given)


@pytest.fixture
def spec() -> DatasetSpec:
    """Five frames in three shards, the last one not full; 3D, anisotropic."""
    return DatasetSpec(
        frames=5, frame_shape=(3, 18, 21), dtype="uint16", voxel_um=(2.0, 0.5, 0.5), frames_per_shard=2, levels=2
    )


@pytest.fixture
def spec_2d() -> DatasetSpec:
    """Three frames in two shards, in pixel units."""
    return DatasetSpec(frames=3, frame_shape=(40, 52), dtype="uint8", voxel_um=None, frames_per_shard=2)


@pytest.fixture
def manifest() -> Callable[..., Manifest]:
    """Makes manifests."""
    return make_manifest


@pytest.fixture
def shard() -> Callable[[DatasetSpec, int], Shard]:
    """Makes shards."""
    return blocks


@pytest.fixture
def write() -> Callable[..., Dataset]:
    """Writes a data set, whole or some shards of it, and opens it."""

    def _write(uri: Path | str, spec: DatasetSpec, shards: Iterable[int] | None = None) -> Dataset:
        create_dataset(str(uri), make_manifest(spec))
        for index in range(spec.shards) if shards is None else shards:
            write_shard(str(uri), spec, index, *blocks(spec, index))
        finalise(str(uri))
        return Dataset(str(uri))

    return _write
