from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.base.seeds import Stage, generator
from raysynth.config import Config
from raysynth.models.image_codecs import LearnedCodec, PixelFolding
from raysynth.models.signed_distance import as_batch
from raysynth.preparation.prepared import Prepared
from raysynth.train.codec import trained_codec
from raysynth.train.texture import TextureTask


def test_folded_pixels_have_the_configured_spread(trainable: Config, prepared: Prepared, tmp_path: Path) -> None:
    settings = trainable.texture.with_(spread=2.0)
    codec = trained_codec(prepared, settings, str(tmp_path), "cpu")
    assert isinstance(codec, PixelFolding)
    encoded = codec.encode(as_batch(np.asarray(prepared.train.images)) * 2 - 1)
    assert float(encoded.std()) == pytest.approx(2.0, abs=0.05)
    assert float(encoded.mean()) == pytest.approx(0.0, abs=0.05)


def test_the_autoencoder_is_frozen_and_its_encoded_images_have_unit_spread(
    trainable: Config, prepared: Prepared, tmp_path: Path
) -> None:
    settings = trainable.texture.with_(autoencoder=2)
    codec = trained_codec(prepared, settings, str(tmp_path), "cpu")
    assert isinstance(codec, LearnedCodec)
    assert not any(p.requires_grad for p in codec.parameters())
    encoded = codec.encode(as_batch(np.asarray(prepared.train.images)) * 2 - 1)
    assert float(encoded.std()) == pytest.approx(1.0, abs=0.2)  # measured on random turns of random crops
    # The trained autoencoder is found again.
    task = TextureTask(prepared, settings, trainable.masks.truncation_px, str(tmp_path), "cpu")
    assert isinstance(task.texture.codec, LearnedCodec)
    for ours, theirs in zip(task.texture.codec.parameters(), codec.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    rngs = [generator(0, 0, Stage.TRAINING, i) for i in range(4)]
    assert torch.isfinite(task.loss(task.model, task.batch(rngs)))
