import numpy as np
import pytest

from raysynth.cascade.cascade import open_cascade
from raysynth.cascade.synthetic import synthetic_crops
from raysynth.config import Config

QUICK = {
    "name": "quick",
    "masks": {"sampler_steps": 6},
    "views": {"sampler_steps": 4},
    "surface": {"steps": 60, "rays": 64},
    "gate": {"min_iou": 0.5},
    "texture": {"sampler_steps": 2},
}


@pytest.mark.parametrize(("bundle", "dimensions"), [("nuclei-2d", 2), ("embryo-3d", 3)])
def test_crops_are_whole_and_hold_their_cell_in_the_middle(bundle: str, dimensions: int) -> None:
    data = {"root": "none", "dimensions": dimensions, "voxel_um": [1.75, 0.8, 0.8][-dimensions:]}
    population = {"frame_px": [64] * dimensions}
    cascade = open_cascade(bundle, Config.model_validate(QUICK | {"data": data, "population": population}), "cpu")
    images, masks = synthetic_crops(cascade, 3, 0)
    side = cascade.statistics.crop_side_px
    assert images.shape == masks.shape == (len(images), side, side)
    assert len(images) == 3 if dimensions == 2 else len(images) > 6
    assert 0 <= images.min() < images.max() <= 1
    assert masks.sum(axis=(1, 2)).min() >= 4
    centres = [np.argwhere(mask).mean(axis=0) for mask in masks]
    assert np.abs(np.array(centres) - side / 2).max() < side / 4
