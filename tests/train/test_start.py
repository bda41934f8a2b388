from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.config.kinds import KINDS, ModelName
from raysynth.models.signed_distance import as_batch
from raysynth.preparation.prepared import Prepared
from raysynth.train.start import anchored, model_of_start, with_structure
from raysynth.train.texture import TextureTask
from tests.fixtures.training import bundle_folder, job_of, prepared_folder, prepared_of, train_one

BOTH: tuple[ModelName, ...] = ("masks", "texture")


@pytest.fixture
def trained(trainable: Config) -> Path:
    """The bundle of a short training of both models."""
    for model in BOTH:
        train_one(trainable, model)
    return bundle_folder(trainable)


def starting(config: Config, start: str | Path, **changes: Any) -> Config:
    """A config of another name on the same data, whose models start from `start`."""
    changes = {"start": str(start), **changes}
    other = config.with_(name="other", masks=changes, texture=changes)
    if not (folder := prepared_folder(other)).exists():
        folder.parent.mkdir()
        folder.symlink_to(prepared_folder(config))
    return other


def test_training_starts_with_the_bundles_weights_and_structure(
    trainable: Config, prepared: Prepared, trained: Path
) -> None:
    other = starting(trainable, trained, channels=(16, 16))
    masks, texture = job_of(other, "masks"), job_of(other, "texture")
    bundle = open_bundle(trained)
    for job, source in ((masks, bundle.masks[0]), (texture, bundle.texture)):
        for ours, theirs in zip(job.task(prepared).model.parameters(), source.parameters(), strict=True):
            assert torch.equal(ours, theirs)
    assert masks.settings.channels == trainable.masks.channels
    assert texture.settings.channels == trainable.texture.channels


def test_a_bundle_started_from_another_opens_with_its_structure(trainable: Config, trained: Path) -> None:
    other = starting(trainable, trained, channels=(16, 16))
    train_one(other, "masks")
    made = open_bundle(bundle_folder(other))
    assert made.info.structure["masks"]["channels"] == list(trainable.masks.channels)
    before, after = (torch.cat([p.flatten() for p in b.masks[0].parameters()]) for b in (open_bundle(trained), made))
    assert 0 < (before - after).abs().max() < 0.1


def test_the_side_at_which_textures_are_made_stays_the_users(trainable: Config, trained: Path) -> None:
    other = starting(trainable, trained, resolution_px=32)
    assert with_structure(KINDS["texture"], other.texture).resolution_px == 32


def test_grey_values_of_other_data_are_given_the_spread_that_the_network_knows(
    trainable: Config, trained: Path
) -> None:
    changed = {"start": str(trained), "spread": 3.0}
    images = prepared_folder(trainable) / "train" / "images.npy"
    np.save(images, (np.load(images) * 0.25).astype(np.float16))  # four times darker
    job = job_of(trainable.with_(name="discs", texture=changed), "texture")
    assert job.settings.spread == trainable.texture.spread == 1.0
    task = job.task(prepared_of(trainable))
    assert isinstance(task, TextureTask)
    assert task.texture.codec.encode(as_batch(np.load(images)) * 2 - 1).std() == pytest.approx(1.0, abs=0.02)


def test_scratch_and_stable_diffusion_are_no_bundles(trainable: Config, tmp_path: Path) -> None:
    assert with_structure(KINDS["masks"], trainable.masks) == trainable.masks
    assert model_of_start("masks", "scratch") is None
    assert model_of_start("texture", "somebody/some-diffusion") is None
    with_checkpoint = starting(trainable, tmp_path)
    assert with_structure(KINDS["texture"], with_checkpoint.texture) == with_checkpoint.texture
    with pytest.raises(InputError, match=r"was not found: give a folder with a bundle\.json"):
        with_structure(KINDS["masks"], with_checkpoint.masks)


def test_a_bundle_without_the_model_is_refused(trainable: Config) -> None:
    train_one(trainable, "masks")
    other = starting(trainable, bundle_folder(trainable))
    with pytest.raises(InputError, match=r"texture\.start: bundle .* has no texture model"):
        job_of(other, "texture")


def test_a_start_in_a_folder_is_named_in_full_and_others_stay(
    trainable: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("near").mkdir()
    assert anchored(starting(trainable, "near").texture).start == str(tmp_path / "near")
    for start in ("scratch", "nuclei-2d", "somebody/some-diffusion"):
        assert anchored(starting(trainable, start).texture).start == start
