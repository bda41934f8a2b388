from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from raysynth.config import TextureConfig
from raysynth.models.image_codecs import ImageCodec, LearnedCodec, PixelFolding, build_autoencoder
from raysynth.models.painting import Slice, paint, texture_condition
from raysynth.models.texture import TextureModel, build_texture_model, open_texture

SIDE = 16

Conditioning = Literal["concat", "control"]


def tiny(
    conditioning: Conditioning, autoencoder: Literal[1, 2], resolution_px: int | None = None
) -> tuple[TextureModel, TextureConfig]:
    torch.manual_seed(0)
    config = TextureConfig(
        conditioning=conditioning,
        autoencoder=autoencoder,
        channels=(8, 16),
        sampler_steps=2,
        batch=2,
        resolution_px=resolution_px,
    )
    codec: ImageCodec = PixelFolding(2) if autoencoder == 1 else LearnedCodec(build_autoencoder(SIDE, autoencoder))
    model = build_texture_model(codec, SIDE, config)
    if model.controlnet is not None:  # its outputs start at zero: give them a say
        for zero in (model.controlnet.controlnet_mid_block, model.controlnet.controlnet_cond_embedding.conv_out):
            torch.nn.init.normal_(zero.weight)
    return model, config


def squares(*sides: int, height: float = 0.5, brightness: float = 0.0) -> list[Slice]:
    masks = [np.zeros((SIDE, SIDE), bool) for _ in sides]
    for mask, side in zip(masks, sides, strict=True):
        mask[2 : 2 + side, 2 : 2 + side] = True
    return [Slice(mask, height, brightness) for mask in masks]


def noise(model: TextureModel, count: int, side: int = SIDE) -> list[Tensor]:
    return [torch.randn(model.encoded_shape(side)) for _ in range(count)]


@pytest.mark.parametrize("conditioning", ["concat", "control"])
@pytest.mark.parametrize("autoencoder", [1, 2])
def test_saved_and_opened_models_paint_the_same(
    conditioning: Conditioning, autoencoder: Literal[1, 2], tmp_path: Path
) -> None:
    model, config = tiny(conditioning, autoencoder)
    model.save(tmp_path)  # rounds the weights to half precision, in the model too
    start = noise(model, 3)
    painted = [paint(m, squares(4, 6, 8), start, config, 4.0) for m in (model, open_texture(tmp_path))]
    assert painted[0][0].shape == (SIDE, SIDE)
    assert painted[0][0].dtype == np.float16
    for one, again in zip(*painted, strict=True):
        np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("conditioning", ["concat", "control"])
def test_the_mask_changes_the_picture(conditioning: Conditioning) -> None:
    model, config = tiny(conditioning, 1)
    small, large = paint(model, squares(4, 10), noise(model, 1) * 2, config, 4.0)
    assert not np.array_equal(small, large)


def test_a_cell_is_painted_alike_wherever_it_stands_in_a_padded_batch() -> None:
    model, config = tiny("concat", 1)
    start = noise(model, 3)
    together = paint(model, squares(4, 6, 8), start, config, 4.0)
    alone = paint(model, squares(8), start[2:], config, 4.0)
    np.testing.assert_array_equal(together[2], alone[0])


def test_another_resolution_still_gives_the_masks_size() -> None:
    model, config = tiny("concat", 1, resolution_px=32)
    painted = paint(model, squares(4), noise(model, 1, 32), config, 4.0)
    assert painted[0].shape == (SIDE, SIDE)


@pytest.mark.parametrize("conditioning", ["concat", "control"])
@pytest.mark.parametrize("changed", [{"height": 1.0}, {"brightness": 2.0}])
def test_height_and_brightness_change_the_picture(conditioning: Conditioning, changed: dict[str, float]) -> None:
    model, config = tiny(conditioning, 1)
    start = noise(model, 1)
    one, other = (paint(model, squares(6, **values), start, config, 4.0)[0] for values in ({}, changed))
    assert not np.array_equal(one, other)


def test_the_condition_is_a_picture_of_three_channels() -> None:
    slices = [*squares(6, height=0.25, brightness=0.0), *squares(4, height=1.0, brightness=-9.0)]
    condition = texture_condition(slices, 4.0)
    assert condition.shape == (2, 3, SIDE, SIDE)
    assert condition[:, 0].amin() == 0
    assert condition[0, 1].unique().tolist() == [0.25]
    assert condition[0, 2].unique().tolist() == [0.5]
    assert condition[1, 2].unique().tolist() == [0]


def test_the_condition_is_single_precision_whatever_its_values_are() -> None:
    double: Any = np.float64(0.5)
    assert texture_condition(squares(6, height=double, brightness=double), 4.0).dtype == torch.float32
