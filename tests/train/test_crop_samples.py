import numpy as np

from raysynth.base.seeds import Stage, generator
from raysynth.base.symmetries import AUGMENTATIONS, SYMMETRIES, symmetry
from raysynth.preparation.prepared import Prepared
from raysynth.train.crop_samples import crop_slice, draw_crops


def test_a_slice_is_what_the_crop_shows_under_the_same_turn(prepared: Prepared) -> None:
    crops = prepared.train
    for turn in range(SYMMETRIES):
        one = crop_slice(crops, 3, turn)
        np.testing.assert_array_equal(one.mask, symmetry(np.asarray(crops.masks[3]), AUGMENTATIONS[turn]))
        assert (one.height, one.brightness) == (crops.heights[3], crops.brightness[3])


def test_images_and_masks_are_turned_together(prepared: Prepared) -> None:
    images, slices = draw_crops(prepared.train, [generator(0, 0, Stage.TRAINING, i) for i in range(12)])
    assert images.shape == (12, 1, 16, 16)
    grey = (images[:, 0].numpy() + 1) / 2
    for image, one in zip(grey, slices, strict=True):
        assert image[one.mask].min() > image[~one.mask].max()  # bright discs


def test_a_draw_depends_on_its_own_generator_alone(prepared: Prepared) -> None:
    together, _ = draw_crops(prepared.train, [generator(0, 0, Stage.TRAINING, i) for i in (1, 2)])
    alone, _ = draw_crops(prepared.train, [generator(0, 0, Stage.TRAINING, 2)])
    np.testing.assert_array_equal(together[1], alone[0])
