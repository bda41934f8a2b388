from typing import Literal

import pytest
import torch

from raysynth.models.image_codecs import LearnedCodec, PixelFolding, build_autoencoder


def test_pixels_come_back_without_loss_and_are_scaled_between() -> None:
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.2 - 0.9
    codec = PixelFolding(2, mean=float(images.mean()), scale=float(images.std()))
    encoded = codec.encode(images)
    assert encoded.shape == (2, codec.channels, 4, 4)
    assert float(encoded.std()) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(codec.decode(encoded), images)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_learned_codec_has_the_sizes_that_it_says_and_is_frozen(factor: Literal[2, 4]) -> None:
    codec = LearnedCodec(build_autoencoder(16, factor))
    assert codec.factor == factor
    encoded = codec.encode(torch.zeros(1, 1, 16, 16))
    assert encoded.shape == (1, codec.channels, 16 // factor, 16 // factor)
    assert codec.decode(encoded).shape == (1, 1, 16, 16)
    assert not any(p.requires_grad for p in codec.parameters())
