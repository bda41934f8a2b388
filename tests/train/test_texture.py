from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.base.arrays import Floats
from raysynth.config import Config, TextureConfig
from raysynth.models.painting import Slice
from raysynth.models.texture import open_texture
from raysynth.preparation.prepared import Prepared
from raysynth.train import texture as texture_training
from raysynth.train.loop import Trainer
from raysynth.train.texture import TextureTask


def task_of(config: Config, prepared: Prepared, settings: TextureConfig, storage: Path) -> TextureTask:
    return TextureTask(prepared, settings, config.masks.truncation_px, str(storage), "cpu")


@pytest.mark.parametrize(("conditioning", "autoencoder"), [("concat", 1), ("control", 2)])
def test_a_few_steps_change_the_network_and_give_metrics(
    trainable: Config, prepared: Prepared, tmp_path: Path, conditioning: str, autoencoder: int
) -> None:
    settings = trainable.texture.with_(conditioning=conditioning, autoencoder=autoencoder)
    task = task_of(trainable, prepared, settings, tmp_path / "texture")
    before = [p.detach().clone() for p in task.texture.unet.parameters()]
    metrics = Trainer(task, settings.train, tmp_path / "texture", "cpu").fit().metrics
    assert any(not torch.equal(a, b) for a, b in zip(before, task.texture.unet.parameters(), strict=True))
    assert metrics["adherence_real"] > 0.8
    assert all(np.isfinite(value) for value in metrics.values())


def test_adherence_tells_textures_on_their_masks_from_others(
    trainable: Config, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(trainable, prepared, trainable.texture, tmp_path)

    def on_its_mask(model: object, slices: list[Slice], *rest: object) -> list[Floats]:
        return [one.mask.astype(np.float32) * 0.8 + 0.1 for one in slices]

    def beside_its_mask(model: object, slices: list[Slice], *rest: object) -> list[Floats]:
        return [0.9 - texture for texture in on_its_mask(model, slices)]

    adherences = []
    for painter in (on_its_mask, beside_its_mask):
        monkeypatch.setattr(texture_training, "paint", painter)
        adherences.append(task.evaluate(task.model, seed=0).metrics["adherence"])
    assert adherences[0] > 0.9
    assert adherences[1] < 0.1


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_stable_diffusion_start_trains_the_decoder_half_and_opens_again(
    trainable: Config, prepared: Prepared, tmp_path: Path, checkpoint: Path, optimizer: str
) -> None:
    settings = trainable.texture.with_(
        start=str(checkpoint), resolution_px=32, gradient_checkpointing=True, train={"optimizer": optimizer}
    )
    task = task_of(trainable, prepared, settings, tmp_path / "texture")
    before = {name: p.detach().clone() for name, p in task.texture.named_parameters()}
    Trainer(task, settings.train, tmp_path / "texture", "cpu").fit()
    changed = {name for name, p in task.texture.named_parameters() if not torch.equal(p, before[name])}
    tops = {".".join(name.split(".")[:2]) for name in changed if not name.startswith("controlnet.")}
    assert tops == {"unet.up_blocks", "unet.conv_norm_out", "unet.conv_out"}
    assert any(name.startswith("controlnet.controlnet_mid_block") for name in changed)
    task.save(tmp_path / "saved")
    again = open_texture(tmp_path / "saved")
    for ours, theirs in zip(task.texture.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_checkpoint_with_the_codecs_old_name_is_resumed(
    trainable: Config, prepared: Prepared, tmp_path: Path
) -> None:
    settings = trainable.texture.with_(autoencoder=2)
    torch.manual_seed(0)
    unbroken = task_of(trainable, prepared, settings, tmp_path)
    Trainer(unbroken, settings.train, tmp_path, "cpu").fit()
    for newer in (tmp_path / "checkpoints").glob("step-00000004.pt"):
        newer.unlink()
    path = tmp_path / "checkpoints" / "step-00000002.pt"
    state = torch.load(path, weights_only=True)
    old = {name.replace("codec.", "first_stage.", 1): weight for name, weight in state["model"].items()}
    assert old.keys() != state["model"].keys()
    torch.save(state | {"model": old}, path)
    torch.manual_seed(1)
    resumed = task_of(trainable, prepared, settings, tmp_path)
    Trainer(resumed, settings.train, tmp_path, "cpu").fit()
    for ours, theirs in zip(resumed.texture.parameters(), unbroken.texture.parameters(), strict=True):
        assert torch.equal(ours, theirs)
