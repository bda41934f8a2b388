import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel

from raysynth.cascade.stable_diffusion import open_stable_diffusion
from raysynth.cascade.texture import open_texture, paint
from raysynth.config import TextureConfig
from raysynth.errors import InputError


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Stable Diffusion with random weights, in diffusers' layout, written by the libraries themselves."""
    folder = tmp_path_factory.mktemp("stable-diffusion")
    torch.manual_seed(0)
    UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
    ).save_pretrained(folder / "vae")
    scheduler = PNDMScheduler(beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1)
    scheduler.save_pretrained(folder / "scheduler")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    encoder = transformers.CLIPTextConfig(vocab_size=4, max_position_embeddings=8, **sizes)
    transformers.CLIPTextModel(encoder).save_pretrained(folder / "text_encoder")
    words = folder / "words"
    words.mkdir()
    (words / "vocab.json").write_text(json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1, "a": 2, "a</w>": 3}))
    (words / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(words / "vocab.json"), str(words / "merges.txt"))
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder


def test_only_the_decoder_half_and_the_control_blocks_train(checkpoint: Path) -> None:
    model = open_stable_diffusion(str(checkpoint))
    trained = {name.split(".")[1] for name, p in model.unet.named_parameters(prefix="unet") if p.requires_grad}
    assert trained == {"up_blocks", "conv_norm_out", "conv_out"}
    assert all(p.requires_grad for p in model.controlnet.parameters())
    assert model.context.shape == (1, 8, 16)


def test_it_paints_masks_and_survives_saving(checkpoint: Path, tmp_path: Path) -> None:
    model = open_stable_diffusion(str(checkpoint))
    config = TextureConfig(start=str(checkpoint), resolution_px=64, sampler_steps=2, batch=1)
    mask = np.zeros((32, 32), bool)
    mask[8:20, 8:20] = True
    model.save(tmp_path)
    noise = [torch.randn(model.latent_shape(64))]
    one, again = (paint(m, [mask], noise, config, 4.0)[0] for m in (model, open_texture(tmp_path)))
    assert one.shape == (32, 32)
    np.testing.assert_array_equal(one, again)


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not open as a Stable Diffusion checkpoint"):
        open_stable_diffusion(str(tmp_path))
