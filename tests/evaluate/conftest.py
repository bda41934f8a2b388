"""Small sets of labelled frames on disk: round cells, in the layouts that `frame_set` reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.manifest import Manifest
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard

Scene = tuple[NDArray[np.uint16], NDArray[np.uint16]]
Pairs = Callable[..., Path]


def scene(seed: int, shape: tuple[int, ...] = (72, 80), radius: float = 7, noise: float = 10) -> Scene:
    """An image and its labels: twelve round cells of about `radius`, 400 above a background of 100."""
    rng = np.random.default_rng(seed)
    grids = np.ogrid[tuple(slice(0, n) for n in shape)]
    labels = np.zeros(shape, np.uint16)
    for label in range(1, 13):
        row, column = divmod(label - 1, 4)
        centre = [shape[0] / 2] * (len(shape) == 3) + [12 + 24 * row, 10 + 20 * column]
        moved = [c + rng.uniform(-1, 1) for c in centre]
        size = radius * rng.uniform(0.9, 1.1)
        labels[sum((g - c) ** 2 for g, c in zip(grids, moved, strict=True)) <= size**2] = label
    image = 100 + 400 * (labels > 0) + noise * rng.standard_normal(shape)
    return image.clip(0).astype(np.uint16), labels


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    """Writes frames of cells as `images` and `masks`; gives their folder."""

    def write(name: str, count: int = 4, seed: int = 0, **settings: object) -> Path:
        folder = tmp_path / name
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True)
        for number in range(count):
            for kind, array in zip(("images", "masks"), scene(seed + number, **settings), strict=True):
                tifffile.imwrite(folder / kind / f"f{number:02d}.tif", array, photometric="minisblack")
        return folder

    return write


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., str]:
    """Writes frames of cells as a raysynth data set of two shards; gives its address."""

    def write(name: str = "set.zarr", shards: tuple[int, ...] = (0, 1), shape: tuple[int, ...] = (72, 80)) -> str:
        uri, voxel = str(tmp_path / name), (2.0, 1.0, 1.0)[3 - len(shape) :]
        spec = DatasetSpec(frames=4, frame_shape=shape, dtype="uint16", voxel_um=voxel, frames_per_shard=2, levels=1)
        create_dataset(uri, Manifest(config={}, bundle="b", versions={}, device="cpu", seed=0, dataset=spec))
        for shard in shards:
            frames = list(spec.shard_frames(shard))
            images, labels = (np.stack(arrays) for arrays in zip(*(scene(f, shape) for f in frames), strict=True))
            rows = {"frame": np.repeat(frames, 12).tolist(), "label": list(range(1, 13)) * 2}
            write_shard(uri, spec, shard, images, labels.astype(np.uint32), rows, {"cells": 12})
        finalise(uri)
        return uri

    return write
