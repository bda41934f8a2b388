"""From the slices of cells to their textures: what a texture is conditioned on, and the sampler in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raysynth.base.arrays import Mask
from raysynth.base.sampling import equal_batches
from raysynth.config import TextureConfig
from raysynth.models.diffusion import denoise
from raysynth.models.signed_distance import as_batch, resize_images, to_signed_distance, truncation_in_crop
from raysynth.models.texture import TextureModel


@dataclass(frozen=True)
class Slice:
    """What the texture of one slice depends on.

    Attributes
    ----------
    mask
        The cell in its crop, `(side, side)`.
    height
        0 at the cell's first slice, 1 at its last, 0.5 where there is one alone.
    brightness
        Of the whole cell, as a normal score among the training cells.
    """

    mask: Mask
    height: float
    brightness: float


def texture_condition(slices: Sequence[Slice], truncation_px: float) -> Tensor:
    """Compose what textures are conditioned on.

    Parameters
    ----------
    slices
        n slices.
    truncation_px
        Distance to the outline, in pixels of the crop, at which the signed distance saturates.

    Returns
    -------
    Tensor
        `(n, 3, side, side)` in [0, 1], float32: signed distance, height, and brightness cut at 3 standard deviations.
    """
    distances = as_batch(to_signed_distance(np.stack([one.mask for one in slices]), truncation_px))
    # Normal scores from -3 to 3 fill [0, 1], the range in which a stock ControlNet takes its condition.
    rows = [[one.height, 0.5 + one.brightness / 6] for one in slices]
    values = torch.tensor(rows, dtype=torch.float32).clamp(0, 1)
    planes = values[:, :, None, None].expand(-1, -1, *distances.shape[-2:])
    return torch.cat([(distances + 1) / 2, planes], dim=1)


@torch.no_grad()
def paint(
    model: TextureModel,
    slices: Sequence[Slice],
    noise: Sequence[Tensor],
    config: TextureConfig,
    truncation_px: float,
) -> list[NDArray[np.float16]]:
    """Draw the textures of cells' slices.

    Works in equal batches of at most `config.batch`, at `config.resolution_px` where that is set.

    Parameters
    ----------
    model
        The texture model.
    slices
        What each texture is conditioned on.
    noise
        Standard normal noise of each slice `(c, h, w)`, of the model's `encoded_shape`.
    config
        Settings of the texture: sampler, batch, resolution.
    truncation_px
        Distance to the outline at which the signed distance saturates, in pixels at which the network works.

    Returns
    -------
    list of numpy.ndarray
        One texture per slice `(side, side)`, in [0, 1].
    """
    device = next(model.parameters()).device
    order = 2 if config.sampler == "dpm++" else 1
    painted: list[NDArray[np.float16]] = []
    for batch, count in equal_batches(list(zip(slices, noise, strict=True)), config.batch):
        side = batch[0][0].mask.shape[-1]
        # Distances are computed in the crop and then resized with it, so the truncation is scaled the other way.
        truncation = truncation_in_crop(truncation_px, config.resolution_px, side)
        condition = texture_condition([one for one, _ in batch], truncation).to(device)
        x_T = torch.stack([one for _, one in batch]).to(device)
        predict = partial(_predict, model, resize_images(condition, config.resolution_px or side))
        x_0 = denoise(predict, x_T, model.scheduler, config.sampler_steps, config.sampler_spacing, order)
        # The rest of the batch repeats its last slice, and only keeps the batch's shape the same.
        images = resize_images(model.codec.decode(x_0), side)[:count, 0]
        painted.extend(((images + 1) / 2).clamp(0, 1).cpu().numpy().astype(np.float16))
    return painted


def _predict(model: TextureModel, condition: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    predicted: Tensor = model(x_t, t, condition)
    return predicted
