import gc
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from torch import Tensor
from transformers import CLIPTextModel

from raysynth.base.errors import InputError
from raysynth.config import TextureConfig
from raysynth.models.diffusion import denoise, per_sample_loss
from raysynth.models.image_codecs import LearnedCodec
from raysynth.models.painting import Slice, paint
from raysynth.models.stable_diffusion import open_stable_diffusion
from raysynth.models.texture import TextureModel, open_texture

SIDE = 64


def variant(checkpoint: Path, folder: Path, part: str, **changes: object) -> Path:
    """A copy of a checkpoint with other entries in the configuration of one part."""
    shutil.copytree(checkpoint, folder)
    (path,) = (folder / part).glob("*config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def control_images(n: int) -> Tensor:
    """Three-channel control images in [0, 1]: a mask that differs, and two constant planes."""
    images = torch.zeros(n, 3, SIDE, SIDE)
    for i, image in enumerate(images):
        image[0, 8 : 30 + 8 * i, 10:50] = 1
        image[1:] = torch.tensor([0.3, 0.6]).view(2, 1, 1)
    return images


def disturb(model: TextureModel) -> TextureModel:
    """Take the control blocks out of their zero start, as training does: they would not be seen otherwise."""
    assert model.controlnet is not None
    with torch.no_grad():
        for block in [*model.controlnet.controlnet_down_blocks, model.controlnet.controlnet_mid_block]:
            block.weight.normal_(0, 0.2)
        model.controlnet.controlnet_cond_embedding.conv_out.weight.normal_(0, 0.2)
    return model


def test_only_the_decoder_half_and_the_control_blocks_train(checkpoint: Path) -> None:
    model = open_stable_diffusion(str(checkpoint))
    trained = {name.split(".")[1] for name, p in model.unet.named_parameters(prefix="unet") if p.requires_grad}
    assert trained == {"up_blocks", "conv_norm_out", "conv_out"}
    assert model.controlnet is not None
    assert model.context is not None
    assert all(p.requires_grad for p in model.controlnet.parameters())
    assert model.context.shape == (1, 8, 16)
    assert not model.context.requires_grad


def test_the_text_encoder_is_freed(checkpoint: Path) -> None:
    gc.collect()
    before = {id(thing) for thing in gc.get_objects() if isinstance(thing, CLIPTextModel)}
    model = open_stable_diffusion(str(checkpoint))
    gc.collect()
    assert not [thing for thing in gc.get_objects() if isinstance(thing, CLIPTextModel) and id(thing) not in before]
    assert {name for name, _ in model.named_children()} == {"unet", "controlnet", "codec"}
    assert model.context is not None
    assert model.context.grad_fn is None
    encoder = CLIPTextModel.from_pretrained(checkpoint, subfolder="text_encoder")
    tokens = torch.tensor([[0] + [1] * 7])  # start, end, padding by the end
    torch.testing.assert_close(model.context.data, encoder(tokens)[0].detach())


def test_it_paints_masks_and_survives_saving(checkpoint: Path, tmp_path: Path) -> None:
    model = open_stable_diffusion(str(checkpoint))
    config = TextureConfig(start=str(checkpoint), resolution_px=SIDE, sampler_steps=2, batch=1)
    mask = np.zeros((32, 32), bool)
    mask[8:20, 8:20] = True
    model.save(tmp_path)
    noise = [torch.randn(model.encoded_shape(SIDE))]
    one, again = (paint(m, [Slice(mask, 0.5, 0.0)], noise, config, 4.0)[0] for m in (model, open_texture(tmp_path)))
    assert one.shape == (32, 32)
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_the_stock_pipeline_draws_what_our_sampler_draws(
    checkpoint: Path, tmp_path: Path, prediction: str, guidance: float
) -> None:
    source = variant(checkpoint, tmp_path / "source", "scheduler", prediction_type=prediction)
    disturb(open_stable_diffusion(str(source))).save(tmp_path / "texture")
    ours = open_texture(tmp_path / "texture").eval()
    assert ours.context is not None
    assert isinstance(ours.codec, LearnedCodec)
    stock = stock_pipeline(tmp_path / "texture")
    stock.set_progress_bar_config(disable=True)
    latents, images = torch.randn(2, *ours.encoded_shape(SIDE), generator=torch.manual_seed(1)), control_images(2)
    theirs = stock(
        prompt_embeds=ours.context.data.expand(2, -1, -1),
        image=images,
        latents=latents,
        guidance_scale=guidance,
        num_inference_steps=5,
        output_type="pt",
    ).images
    drawn = denoise(partial(predict, ours, images), latents, ours.scheduler, steps=5)
    mine = ((ours.codec.decode(drawn) + 1) / 2).detach()
    # The stock pipeline clips each colour to [0, 1]; raysynth takes their mean first and clips that.
    rgb = ours.codec.vae.decode(drawn / ours.codec.vae.config.scaling_factor).sample.detach()
    torch.testing.assert_close(theirs, ((rgb + 1) / 2).clamp(0, 1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mine, ((rgb + 1) / 2).mean(dim=1, keepdim=True))
    assert (theirs[0] - theirs[1]).abs().max() > 1e-3


def predict(model: TextureModel, images: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    predicted: Tensor = model(x_t, t, images)
    return predicted


def stock_pipeline(folder: Path) -> StableDiffusionControlNetPipeline:
    """Diffusers' own pipeline on a bundle's texture; the stored embedding stands for the text encoder."""
    return StableDiffusionControlNetPipeline(
        vae=AutoencoderKL.from_pretrained(folder / "vae"),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet"),
        controlnet=ControlNetModel.from_pretrained(folder / "controlnet"),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
        text_encoder=None,
        tokenizer=None,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def test_gradient_checkpointing_changes_no_gradient(checkpoint: Path) -> None:
    gradients = []
    for save_memory in (False, True):
        torch.manual_seed(2)  # the first layers of the control blocks are new, hence random
        model = open_stable_diffusion(str(checkpoint), save_memory)
        disturb(model).train()
        assert model.controlnet is not None
        assert model.unet.is_gradient_checkpointing is model.controlnet.is_gradient_checkpointing is save_memory
        x0, noise = torch.randn(2, 2, *model.encoded_shape(SIDE), generator=torch.manual_seed(3))
        t = torch.tensor([100, 900])
        predicted = model(model.scheduler.add_noise(x0, noise, t), t, control_images(2))
        per_sample_loss(model.scheduler, predicted, x0, noise, t).mean().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.requires_grad})
    plain, checkpointed = gradients
    assert plain.keys() == checkpointed.keys()
    for name in plain:
        torch.testing.assert_close(plain[name], checkpointed[name], atol=1e-6, rtol=1e-4, msg=name)


def test_heads_of_a_different_width_at_each_level_open(checkpoint: Path, tmp_path: Path) -> None:
    # Stable Diffusion 2.x: 5, 10, 20, 20 heads and linear projections.
    source = tmp_path / "two"
    shutil.copytree(checkpoint, source, ignore=shutil.ignore_patterns("unet"))
    config = UNet2DConditionModel.load_config(checkpoint, subfolder="unet")
    config |= {"attention_head_dim": [2, 4], "use_linear_projection": True}
    UNet2DConditionModel.from_config(config).save_pretrained(source / "unet")
    model = open_stable_diffusion(str(source))
    x_t = torch.randn(1, *model.encoded_shape(SIDE))
    assert model(x_t, torch.tensor([5]), control_images(1)).shape == x_t.shape
    assert model.controlnet is not None
    assert model.controlnet.config.attention_head_dim == [2, 4]


def test_a_folder_that_lacks_parts_names_them(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    with pytest.raises(InputError, match="lacks vae/, scheduler/, tokenizer/, text_encoder/"):
        open_stable_diffusion(str(tmp_path))


def test_a_missing_folder_and_a_single_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: give a folder, or a hub id"):
        open_stable_diffusion(str(tmp_path / "absent"))
    file = tmp_path / "v1-5.safetensors"
    file.touch()
    with pytest.raises(InputError, match="is one file: convert it"):
        open_stable_diffusion(str(file))


def test_damaged_parts_give_one_line(checkpoint: Path, tmp_path: Path) -> None:
    source = tmp_path / "damaged"
    shutil.copytree(checkpoint, source)
    (source / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(InputError, match="does not open as Stable Diffusion: ") as error:
        open_stable_diffusion(str(source))
    assert "\n" not in str(error.value)


def test_a_hub_id_that_is_not_here_and_no_network_give_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="does not open as Stable Diffusion from the hub") as error:
        open_stable_diffusion("nobody/nothing-at-all")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("part", "changes"), [("scheduler", {"prediction_type": "sample"}), ("vae", {"latent_channels": 4})]
)
def test_other_kinds_of_models_are_refused(
    checkpoint: Path, tmp_path: Path, part: str, changes: dict[str, object]
) -> None:
    source = variant(checkpoint, tmp_path / "source", part, **changes)
    if part == "vae":  # an inpainting UNet: nine channels in
        config = UNet2DConditionModel.load_config(source, subfolder="unet") | {"in_channels": 9}
        UNet2DConditionModel.from_config(config).save_pretrained(source / "unet")
    with pytest.raises(InputError, match="another kind of model"):
        open_stable_diffusion(str(source))
