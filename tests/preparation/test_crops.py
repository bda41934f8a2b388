from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from raysynth.config import CropConfig, DataConfig
from raysynth.data.folders import folder_frames
from raysynth.data.frames import Pixels
from raysynth.preparation.background import measure_background
from raysynth.preparation.cells import find_cells
from raysynth.preparation.crops import Crop, crop_side, frame_crops, outline_crop
from tests.fixtures.frames import scene


def pixels_of(image: NDArray[np.generic], labels: NDArray[np.unsignedinteger[Any]]) -> Pixels:
    return Pixels(image, labels.astype(np.uint32), None, (0, image.shape[-1]))


def crops_of(pixels: Pixels, side: int) -> list[Crop]:
    background = measure_background(pixels, side, np.random.default_rng(0))
    return list(frame_crops(pixels, background, find_cells(pixels), side))


def grey(crop: Crop) -> NDArray[np.float64]:
    return crop.image.astype(np.float64)


@given(y=st.integers(1, 50), x=st.integers(1, 50), height=st.integers(3, 12), width=st.integers(3, 12))
def test_the_cell_is_in_the_middle(y: int, x: int, height: int, width: int) -> None:
    labels = np.zeros((64, 64), np.uint32)
    labels[y : y + height, x : x + width] = 7
    image = np.where(labels > 0, 200, 20).astype(np.uint8)
    (crop,) = crops_of(pixels_of(image, labels), 32)
    assert crop.mask.sum() == height * width
    rows, columns = np.nonzero(crop.mask)
    assert abs(rows.mean() + 0.5 - 16) <= 0.5
    assert abs(columns.mean() + 0.5 - 16) <= 0.5
    assert (grey(crop)[crop.mask] == 200).all()
    assert (grey(crop)[~crop.mask] <= 60).all()
    assert (outline_crop(crop.cell, 32) == crop.mask).all()


def test_neighbours_become_background() -> None:
    image, labels = scene()
    crops = {crop.cell.label: crop for crop in crops_of(pixels_of(image, labels), 48)}
    outside = grey(crops[2])[~crops[2].mask]
    assert outside.max() < 32_868 + 60  # cell 3 touches it at 200 above
    assert outside.std() == pytest.approx(5, rel=0.4)


def test_own_surroundings_are_kept() -> None:
    image, labels = scene()
    crop = crops_of(pixels_of(image, labels), 32)[0]
    assert (crop.image == image[14:46, 14:46]).all()


def test_side_follows_the_largest_cells() -> None:
    cells = find_cells(pixels_of(*scene()))
    assert crop_side(cells, CropConfig()) == 32
    assert crop_side(cells, CropConfig(margin=2.0)) == 48
    assert crop_side(cells, CropConfig(side_px=80)) == 80


def test_the_side_is_capped_unless_it_is_set() -> None:
    labels = np.zeros((256, 256), np.uint32)
    labels[50:200, 50:200] = 1
    cells = find_cells(pixels_of(labels, labels))
    assert crop_side(cells, CropConfig()) == 128
    assert crop_side(cells, CropConfig(side_px=256)) == 256


def test_real_volume(real_data: Path) -> None:
    config = DataConfig(root=str(real_data / "BBBC050/train"), layout="pairs", dimensions=3, voxel_um=(1.75, 0.8, 0.8))
    pixels = folder_frames(config)[1].read()
    crops = crops_of(pixels, 48)
    assert len({crop.cell.label for crop in crops}) > 1
    bright = np.mean([grey(c)[c.mask].mean() > grey(c)[~c.mask].mean() for c in crops])
    assert bright > 0.95
