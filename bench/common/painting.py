"""Textures painted on the masks of real crops."""

import numpy as np
from numpy.typing import NDArray

from raysynth.base.seeds import Stage, generator, normal
from raysynth.config import Config
from raysynth.models.painting import paint
from raysynth.models.texture import TextureModel
from raysynth.preparation.prepared import Crops
from raysynth.train.crop_samples import crop_slice

PAINTING_SEED = 1


def paint_rows(
    model: TextureModel, config: Config, crops: Crops, rows: NDArray[np.intp], paired: bool = False
) -> NDArray[np.float32]:
    """Paint textures on the masks, heights and brightness of crops.

    Parameters
    ----------
    model
        The texture model.
    config
        Settings, with a bundle's already resolved.
    crops
        Prepared crops of one split.
    rows
        Which of them, `(n,)`.
    paired
        Whether every two crops share their noise, as the swap test asks.

    Returns
    -------
    NDArray
        Textures `(n, side, side)` in [0, 1].
    """
    shape = model.encoded_shape(config.texture.resolution_px or crops.side_px)
    slices = [crop_slice(crops, int(i)) for i in rows]
    seeds = [i // 2 if paired else i for i in range(len(rows))]
    noise = [normal(generator(PAINTING_SEED, int(paired), Stage.TEXTURE, i), *shape) for i in seeds]
    return np.stack(paint(model, slices, noise, config.texture, config.masks.truncation_px))
