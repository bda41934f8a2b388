from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.models.signed_distance import as_batch
from raysynth.preparation.prepared import prepared_folder
from raysynth.train.masks import MaskTask
from raysynth.train.run import bundle_folder, fit
from raysynth.train.start import anchored, bundle_of, started
from raysynth.train.texture import TextureTask


@pytest.fixture
def trained(trainable: Config) -> Path:
    """The bundle of a short training of both models."""
    for model in ("masks", "texture"):
        fit(trainable, model)
    return bundle_folder(trainable)


def starting(config: Config, start: str, **changes: object) -> Config:
    """A config of another name on the same data, whose models start from `start`."""
    groups = {
        name: getattr(config, name).model_copy(update={"start": start} | changes) for name in ("masks", "texture")
    }
    other = config.model_copy(update={"name": "other", **groups})
    if not (prepared := prepared_folder(other)).exists():
        prepared.parent.mkdir()
        prepared.symlink_to(prepared_folder(config))
    return other


def test_training_goes_on_from_the_bundles_weights_and_structure(trainable: Config, trained: Path) -> None:
    other = starting(trainable, str(trained), channels=(16, 16))
    masks, texture = MaskTask(started(other, "masks")), TextureTask(started(other, "texture"), "-", "cpu")
    bundle = open_bundle(str(trained))
    for network, source in ((masks.model, bundle.masks[0]), (texture.model, bundle.texture)):
        for ours, theirs in zip(network.parameters(), source.parameters(), strict=True):
            assert torch.equal(ours, theirs)
    assert started(other, "masks").masks.channels == trainable.masks.channels
    assert started(other, "texture").texture.channels == trainable.texture.channels


def test_a_bundle_started_from_another_opens_with_its_structure(trainable: Config, trained: Path) -> None:
    other = starting(trainable, str(trained), channels=(16, 16))
    fit(other, "masks")
    made = open_bundle(str(bundle_folder(other)))
    assert made.info.structure["masks"]["channels"] == list(trainable.masks.channels)
    before, after = (
        torch.cat([p.flatten() for p in b.masks[0].parameters()]) for b in (open_bundle(str(trained)), made)
    )
    assert 0 < (before - after).abs().max() < 0.1


def test_the_side_at_which_textures_are_made_stays_the_users(trainable: Config, trained: Path) -> None:
    other = starting(trainable, str(trained))
    other = other.model_copy(update={"texture": other.texture.model_copy(update={"resolution_px": 32})})
    assert started(other, "texture").texture.resolution_px == 32


def test_grey_values_of_other_data_are_given_the_spread_that_the_network_knows(
    trainable: Config, trained: Path
) -> None:
    other = starting(trainable, str(trained), spread=3.0)
    images = prepared_folder(trainable) / "train" / "images.npy"
    np.save(images, (np.load(images) * 0.25).astype(np.float16))  # four times darker
    config = started(other, "texture")
    assert config.texture.spread == trainable.texture.spread == 1.0
    task = TextureTask(config, "-", "cpu")
    assert task.texture.first_stage.encode(as_batch(np.load(images)) * 2 - 1).std() == pytest.approx(1.0, abs=0.02)


def test_scratch_and_stable_diffusion_are_no_bundles(trainable: Config, tmp_path: Path) -> None:
    assert started(trainable, "masks") == trainable
    assert bundle_of("scratch") is None
    assert bundle_of("somebody/some-diffusion") is None
    with_checkpoint = starting(trainable, str(tmp_path))
    assert started(with_checkpoint, "texture") == with_checkpoint
    with pytest.raises(InputError, match=r"was not found: give a folder with a bundle\.json"):
        started(with_checkpoint, "masks")


def test_a_bundle_without_the_model_is_refused(trainable: Config) -> None:
    fit(trainable, "masks")
    other = starting(trainable, str(bundle_folder(trainable)))
    with pytest.raises(InputError, match=r"texture\.start: bundle .* has no texture model"):
        started(other, "texture")


def test_a_start_in_a_folder_is_named_in_full_and_others_stay(
    trainable: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("near").mkdir()
    assert anchored(starting(trainable, "near"), "texture").texture.start == str(tmp_path / "near")
    for start in ("scratch", "nuclei-2d", "somebody/some-diffusion"):
        assert anchored(starting(trainable, start), "texture").texture.start == start
