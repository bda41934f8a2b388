from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.export.cellpose import write_cellpose
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard
from tests.fixtures.datasets import MakeManifest, Write


def volume_of_cells(folder: Path, manifest: MakeManifest) -> Dataset:
    """One volume: six cells of 16 pixels in slice 1, of which four reach slice 2; only specks in slice 0."""
    spec = DatasetSpec(frames=1, frame_shape=(3, 24, 40), dtype="uint16", voxel_um=None, frames_per_shard=1)
    labels = np.zeros((1, *spec.frame_shape), np.uint32)
    ids = [3, 70_000, 9, 12, 40, 41]
    for place, label in enumerate(ids):
        x = 6 * place
        labels[0, 1, 2:6, x : x + 4] = label
        labels[0, 0, 10, x] = label
        labels[0, 2, 2:6, x : x + 4] = label if place < 4 else 0
    objects = Objects(folder, create=True)
    create_dataset(objects, manifest(spec))
    rows = {"frame": [0] * len(ids), "label": ids}
    write_shard(objects, spec, 0, (labels % 1000).astype(np.uint16), labels, rows, {})
    finalise(objects)
    return Dataset(folder)


def test_frames_are_pairs_of_image_and_mask(tmp_path: Path, write: Write, spec_2d: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec_2d, shards=[1])
    assert write_cellpose(dataset, tmp_path / "pairs").images == 1
    assert sorted(path.name for path in (tmp_path / "pairs").iterdir()) == ["00002.tif", "00002_masks.tif"]
    assert np.array_equal(tifffile.imread(tmp_path / "pairs/00002.tif"), dataset.image(2))
    masks, labels = tifffile.imread(tmp_path / "pairs/00002_masks.tif"), dataset.labels(2)
    assert masks.dtype == np.uint16
    assert np.array_equal(masks, np.select([labels == 1, labels == 5], [1, 2]))


def test_volumes_give_the_slices_with_enough_cells(tmp_path: Path, manifest: MakeManifest) -> None:
    dataset = volume_of_cells(tmp_path / "x.zarr", manifest)
    assert write_cellpose(dataset, tmp_path / "pairs").images == 1
    assert sorted(path.name for path in (tmp_path / "pairs").iterdir()) == ["00000_z001.tif", "00000_z001_masks.tif"]
    masks, labels = tifffile.imread(tmp_path / "pairs/00000_z001_masks.tif"), dataset.labels(0)[1]
    assert masks.max() == 6
    assert masks[labels == 70_000].tolist() == [6] * 16
    assert np.array_equal(masks > 0, labels > 0)


def test_frames_of_single_precision_stay_so(tmp_path: Path, write: Write, spec_2d: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec_2d.model_copy(update={"dtype": "float32"}))
    assert write_cellpose(dataset, tmp_path / "pairs").to_json() == {"folder": str(tmp_path / "pairs"), "images": 3}
    image = tifffile.imread(tmp_path / "pairs/00001.tif")
    assert image.dtype == np.float32
    assert np.array_equal(image, dataset.image(1))


def test_cellpose_finds_the_pairs(tmp_path: Path, write: Write, spec_2d: DatasetSpec) -> None:
    io = pytest.importorskip("cellpose.io")
    dataset = write(tmp_path / "x.zarr", spec_2d)
    write_cellpose(dataset, tmp_path / "pairs")
    images, masks, names, *_ = io.load_train_test_data(str(tmp_path / "pairs"), mask_filter="_masks")
    assert [Path(name).name for name in names] == ["00000.tif", "00001.tif", "00002.tif"]
    for frame, (image, mask) in enumerate(zip(images, masks, strict=True)):
        assert np.array_equal(np.squeeze(image), dataset.image(frame))
        assert np.array_equal(mask > 0, dataset.labels(frame) > 0)


def test_nothing_to_train_on_leaves_nothing_behind(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec)
    with pytest.raises(InputError, match=r"no slice of .* has 5 cells of 16 pixels"):
        write_cellpose(dataset, tmp_path / "pairs")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
