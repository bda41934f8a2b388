from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.data.frames import Frame, LabelFile, read_image, read_labels
from tests.fixtures.frames import scene


@pytest.fixture
def frame(tmp_path: Path) -> Frame:
    image, labels = scene()
    tifffile.imwrite(tmp_path / "t000.tif", image)
    tifffile.imwrite(tmp_path / "man_seg000.tif", labels)
    return Frame("01", 0, tmp_path / "t000.tif", (LabelFile(tmp_path / "man_seg000.tif"),), 2)


def test_pixels_keep_type_and_offset(frame: Frame) -> None:
    pixels = frame.read()
    assert pixels.image.dtype == np.uint16
    assert pixels.image.min() > 32_768
    assert pixels.labels.dtype == np.uint32
    assert set(np.unique(pixels.labels)) == {0, 1, 2, 3, 4}
    assert pixels.columns == (0, 112)
    assert frame.within(0.5, 1).read().columns == (56, 112)


def test_truncated_tiff(frame: Frame) -> None:
    frame.image.write_bytes(frame.image.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"t000\.tif cannot be read"):
        frame.read()


def test_wrong_dimensions(frame: Frame) -> None:
    with pytest.raises(InputError, match=r"shape \(96, 112\), but data.dimensions is 3"):
        read_image(frame.image, 3)


def test_labels_of_another_shape(frame: Frame) -> None:
    tifffile.imwrite(frame.labels[0].path, np.ones((8, 8), np.uint16))
    with pytest.raises(InputError, match=r"man_seg000\.tif has shape \(8, 8\)"):
        frame.read()


def test_nan_image(frame: Frame) -> None:
    image = np.zeros((96, 112), np.float32)
    image[3, 3] = np.nan
    tifffile.imwrite(frame.image, image)
    with pytest.raises(InputError, match="NaN"):
        frame.read()


def test_labels_must_be_whole_numbers(frame: Frame) -> None:
    tifffile.imwrite(frame.labels[0].path, np.ones((8, 8), np.float32))
    with pytest.raises(InputError, match="whole number"):
        read_labels(frame.labels[0].path)


def test_z_range_cuts_and_is_checked(tmp_path: Path) -> None:
    image, labels = scene(shape=(5, 96, 112))
    tifffile.imwrite(tmp_path / "i.tif", image)
    tifffile.imwrite(tmp_path / "m.tif", labels)
    files = (LabelFile(tmp_path / "m.tif"),)
    pixels = Frame("a", 0, tmp_path / "i.tif", files, 3, (1, 4)).read()
    assert (pixels.image == image[1:4]).all()
    assert (pixels.labels == labels[1:4]).all()
    with pytest.raises(InputError, match="has 5 slices"):
        Frame("a", 0, tmp_path / "i.tif", files, 3, (1, 6)).read()
