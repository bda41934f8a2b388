"""Texture crops as training samples: chosen, flipped and turned at random, with what each depends on."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from torch import Tensor

from raysynth.base.symmetries import AUGMENTATIONS, symmetry
from raysynth.models.painting import Slice
from raysynth.models.signed_distance import as_batch
from raysynth.preparation.prepared import Crops


def crop_slice(crops: Crops, row: int, turn: int = 0) -> Slice:
    """Tell what the texture of one crop depends on.

    Parameters
    ----------
    crops
        The crops of a split.
    row
        Number of the crop.
    turn
        0 to 7: one of the flips and turns, in training's order. 0 changes nothing.

    Returns
    -------
    Slice
        Mask, height and brightness.
    """
    mask = symmetry(crops.masks[row], AUGMENTATIONS[turn]).astype(bool, copy=False)
    return Slice(mask, float(crops.heights[row]), float(crops.brightness[row]))


def draw_crops(crops: Crops, rngs: Sequence[Generator]) -> tuple[Tensor, list[Slice]]:
    """Draw random crops, flipped and turned.

    Parameters
    ----------
    crops
        The crops of a split.
    rngs
        One generator per crop.

    Returns
    -------
    tuple of Tensor and list of Slice
        Images `(n, 1, y, x)` in [-1, 1], and what each depends on.
    """
    images, slices = [], []
    for rng in rngs:
        # Crop before turn: the order of draws is part of what a seed means.
        which, turn = int(rng.integers(len(crops.images))), int(rng.integers(8))
        images.append(symmetry(crops.images[which], AUGMENTATIONS[turn]))
        slices.append(crop_slice(crops, which, turn))
    return as_batch(np.stack(images)) * 2 - 1, slices
