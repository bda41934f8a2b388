from pathlib import Path

import pytest
import torch

from raysynth.base.seeds import Stage, generator
from raysynth.config import Config
from raysynth.models.image_codecs import Learned
from raysynth.models.texture import open_texture
from raysynth.train.loop import Trainer
from raysynth.train.texture import TextureTask, first_stage


@pytest.mark.parametrize(("conditioning", "autoencoder"), [("concat", 1), ("control", 2)])
def test_a_few_steps_lower_no_nan_and_give_figures(
    trainable: Config, tmp_path: Path, conditioning: str, autoencoder: int
) -> None:
    texture = trainable.texture.model_copy(update={"conditioning": conditioning, "autoencoder": autoencoder})
    config = trainable.model_copy(update={"texture": texture})
    task = TextureTask(config, tmp_path / "texture", "cpu")
    before = [p.detach().clone() for p in task.texture.unet.parameters()]
    result = Trainer(task, texture.train, tmp_path / "texture", "cpu").fit()
    assert any(not torch.equal(a, b) for a, b in zip(before, task.texture.unet.parameters(), strict=True))
    assert result.figures["adherence_real"] > 0.8
    assert 0 <= result.figures["adherence"] <= 1


def test_the_autoencoder_is_frozen_and_its_latents_have_unit_spread(trainable: Config, tmp_path: Path) -> None:
    texture = trainable.texture.model_copy(update={"autoencoder": 2})
    config = trainable.model_copy(update={"texture": texture})
    stage = first_stage(config, tmp_path, "cpu")
    assert isinstance(stage, Learned)
    assert not any(p.requires_grad for p in stage.parameters())
    task = TextureTask(config, tmp_path, "cpu")  # finds the trained autoencoder again
    rngs = [generator(0, 0, Stage.TRAINING, i) for i in range(4)]
    assert torch.isfinite(task.loss(task.model, task.batch(rngs)))


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_stable_diffusion_start_trains_the_decoder_half_and_opens_again(
    trainable: Config, tmp_path: Path, checkpoint: Path, optimizer: str
) -> None:
    changes = {"start": str(checkpoint), "resolution_px": 32, "gradient_checkpointing": True}
    training = trainable.texture.train.model_copy(update={"optimizer": optimizer})
    texture = trainable.texture.model_copy(update=changes | {"train": training})
    task = TextureTask(trainable.model_copy(update={"texture": texture}), tmp_path / "texture", "cpu")
    before = {name: p.detach().clone() for name, p in task.texture.named_parameters()}
    result = Trainer(task, training, tmp_path / "texture", "cpu").fit()
    assert 0 <= result.figures["adherence"] <= 1
    changed = {name for name, p in task.texture.named_parameters() if not torch.equal(p, before[name])}
    tops = {".".join(name.split(".")[:2]) for name in changed if not name.startswith("controlnet.")}
    assert tops == {"unet.up_blocks", "unet.conv_norm_out", "unet.conv_out"}
    assert any(name.startswith("controlnet.controlnet_mid_block") for name in changed)
    task.texture.save(tmp_path / "saved")
    again = open_texture(tmp_path / "saved")
    for ours, theirs in zip(task.texture.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)
