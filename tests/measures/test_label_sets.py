from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.measures.label_sets import is_dataset, label_images
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.manifest import Manifest
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes label images, each holding its own number everywhere, into a folder."""

    def write(*names: str, shape: tuple[int, ...] = (4, 5)) -> Path:
        for number, name in enumerate(names, start=1):
            tifffile.imwrite(tmp_path / name, np.full(shape, number, np.uint16))
        return tmp_path

    return write


@pytest.mark.parametrize("prefix", ["mask", "man_seg", "man_track"])
def test_a_ctc_folder_gives_its_frames_in_order(write: Write, prefix: str) -> None:
    folder = write(f"{prefix}010.tif", f"{prefix}002.tif", "t000.tif", "res_track.tif")
    images = label_images(str(folder))
    assert [(image.name, image.time, image.z) for image in images] == [
        (f"{prefix}002.tif", 2, None),
        (f"{prefix}010.tif", 10, None),
    ]
    labels = images[0].read()
    assert labels.dtype == np.uint32
    assert labels[0, 0] == 2


def test_slices_of_volumes_are_images_of_their_own(write: Write) -> None:
    images = label_images(str(write("man_seg_021_003.tif", "man_seg_021_012.tif", "man_seg007.tif")))
    assert [(image.time, image.z) for image in images] == [(7, None), (21, 3), (21, 12)]


def test_two_files_for_one_frame_are_refused(write: Write) -> None:
    with pytest.raises(InputError, match=r"mask003\.tif and man_seg003\.tif"):
        label_images(str(write("man_seg003.tif", "mask003.tif")))


def test_a_place_without_labels_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        label_images(str(tmp_path / "absent"))
    with pytest.raises(InputError, match="no label images"):
        label_images(str(tmp_path))


def test_a_data_set_gives_the_frames_it_has(tmp_path: Path) -> None:
    uri = str(tmp_path / "set.zarr")
    spec = DatasetSpec(frames=2, frame_shape=(32, 32), dtype="uint8", voxel_um=None, frames_per_shard=1, levels=1)
    objects = Objects(uri, create=True)
    create_dataset(objects, Manifest(config={}, bundle="b", versions={}, device="cpu", seed=0, dataset=spec))
    labels = np.full((1, 32, 32), 7, np.uint32)
    write_shard(objects, spec, 1, labels.astype(np.uint8), labels, {"frame": [1], "label": [7]}, {"cells": 1})
    finalise(objects)
    assert is_dataset(uri)
    assert not is_dataset(str(tmp_path))
    (image,) = label_images(uri)
    assert (image.name, image.time, image.z) == ("frame 1", 1, None)
    np.testing.assert_array_equal(image.read(), labels[0])
