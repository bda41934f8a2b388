"""Data and losses of the texture model: the small autoencoder first where there is one, then the diffusion."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.seeds import Stage, generator, normal
from raysynth.base.symmetries import AUGMENTATIONS, symmetry
from raysynth.config import Config
from raysynth.measures.adherence import adherence
from raysynth.models import texture as texture_model
from raysynth.models.diffusion import noise_and_time, per_sample_loss
from raysynth.models.image_codecs import FirstStage, Folded, Learned, build_autoencoder
from raysynth.models.signed_distance import as_batch, resized, truncation_at
from raysynth.models.stable_diffusion import open_stable_diffusion
from raysynth.models.texture import Slice, TextureModel, condition, paint
from raysynth.train.board import Evaluation
from raysynth.train.crops import Crops, load_crops, load_statistics
from raysynth.train.held_out import SAMPLES, Batch, held_out_loss
from raysynth.train.loop import Trainer
from raysynth.train.masks import tile
from raysynth.train.start import SCRATCH, bundle_of

SHOWN = 32


def draw(crops: Crops, rngs: Sequence[Generator]) -> tuple[Tensor, list[Slice]]:
    """One random crop for each generator, flipped and turned: images `(n, 1, y, x)` in [-1, 1] and what they show."""
    images, slices = [], []
    for rng in rngs:
        which, turn = rng.integers(len(crops.images)), int(rng.integers(8))
        images.append(symmetry(crops.images[which], AUGMENTATIONS[turn]))
        slices.append(crops.slice(which, turn))
    return as_batch(np.stack(images)) * 2 - 1, slices


class AutoencoderTask:
    """Reconstruction of texture crops: mean absolute and squared error."""

    name = "autoencoder"

    def __init__(self, config: Config) -> None:
        factor = config.texture.autoencoder
        self.train, self.validation = load_crops(config, "train"), load_crops(config, "validation")
        self.model: nn.Module = build_autoencoder(self.train.side_px, factor)

    def batch(self, rngs: Sequence[Generator]) -> Tensor:
        """Images alone."""
        return draw(self.train, rngs)[0]

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        """Reconstruction error from the mean latent."""
        images = batch.to(next(model.parameters()).device)
        encode_decode = model(images, sample_posterior=False, return_dict=True)
        error = encode_decode.sample - images
        return error.abs().mean() + error.square().mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Reconstruction PSNR in decibels on validation crops, unit range."""
        model.eval()
        images, _ = draw(self.validation, [generator(seed, 0, Stage.EVALUATION, i) for i in range(SHOWN)])
        with torch.no_grad():
            again = model(images.to(next(model.parameters()).device)).sample.cpu()
            held_out = float(self.loss(model, images))
        psnr = -10 * torch.log10(((again - images) / 2).square().mean())
        return Evaluation(
            {"held_out_loss": held_out, "psnr_db": float(psnr)}, tile((torch.cat([images, again])[:, 0] + 1) / 2)
        )


def first_stage(config: Config, place: str | Path, device: str) -> FirstStage:
    """The configured first stage, trained in `place` where it is a learned one."""
    if config.texture.autoencoder == 1:
        return _folded(config, config.texture.fold(load_statistics(config).crop_side_px))
    task = AutoencoderTask(config)
    settings = config.texture.train.model_copy(update={"steps": config.texture.autoencoder_steps})
    Trainer(task, settings, f"{place}/autoencoder", device).fit()
    assert hasattr(task.model, "config")
    stage = Learned(task.model)
    images, _ = draw(task.train, [generator(0, 1, Stage.EVALUATION, i) for i in range(64)])
    spread = float(stage.encode(images.to(next(stage.parameters()).device)).std())
    stage.vae.register_to_config(scaling_factor=config.texture.spread / spread)
    return stage


def _folded(config: Config, fold: int) -> Folded:
    """Pixels of the training crops, their grey values at the configured spread around 0."""
    images = load_crops(config, "train").images
    some = np.asarray(images[:: max(1, len(images) // 1000)], np.float32) * 2 - 1
    return Folded(fold, float(some.mean()), float(some.std()) / config.texture.spread)


class TextureTask:
    """Denoising of texture latents under their mask, height and brightness."""

    name = "texture"

    def __init__(self, config: Config, place: str | Path, device: str = "auto") -> None:
        self.config = config
        self.train, self.validation = load_crops(config, "train"), load_crops(config, "validation")
        start, bundle = config.texture.start, bundle_of(config.texture.start)
        if bundle is not None:
            self.texture = bundle.texture
            if isinstance(self.texture.first_stage, Folded):  # the network knows grey values at one spread only
                self.texture.first_stage = _folded(config, self.texture.first_stage.factor)
        elif start == SCRATCH:
            stage = first_stage(config, place, device)
            self.texture = texture_model.build(stage, self.train.side_px, config.texture)
        else:
            self.texture = open_stable_diffusion(start, config.texture.gradient_checkpointing)
        self.model: nn.Module = self.texture
        self.side_px = config.texture.resolution_px or self.train.side_px

    def batch(self, rngs: Sequence[Generator]) -> Batch:
        """Images (not latents: the first stage is on the model's device), noise, timesteps and conditions."""
        return self._batch(self.train, rngs)

    def _batch(self, crops: Crops, rngs: Sequence[Generator]) -> Batch:
        images, slices = draw(crops, rngs)
        truncation = self.config.masks.truncation_px
        seen = condition(slices, truncation_at(truncation, self.config.texture.resolution_px, crops.side_px))
        return Batch(images, *noise_and_time(rngs, *self.texture.latent_shape(self.side_px)), (seen,))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error of the predicted velocity (or noise, as the schedule says)."""
        device = next(model.parameters()).device
        images, seen = (resized(x.to(device), self.side_px) for x in (batch.clean, *batch.conditions))
        x0 = self.texture.first_stage.encode(images)
        noise, t = batch.noise.to(device), batch.t.to(device)
        scheduler = self.texture.scheduler
        predicted = model(scheduler.add_noise(x0, noise, t), t, seen)
        return per_sample_loss(scheduler, predicted, x0, noise, t).mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Mask adherence of painted validation masks beside that of the real crops, and both to look at."""
        assert isinstance(model, TextureModel)
        model.eval()
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(SHOWN)]
        images, slices = draw(self.validation, rngs)
        masks = np.stack([one.mask for one in slices])
        real = (images[:, 0].numpy() + 1) / 2
        noise = [normal(rng, *model.latent_shape(self.side_px)) for rng in rngs]
        painted = np.stack(paint(model, slices, noise, self.config.texture, self.config.masks.truncation_px))
        held_out = self._batch(self.validation, [generator(seed, 1, Stage.EVALUATION, i) for i in range(SAMPLES)])
        figures = {
            "held_out_loss": held_out_loss(self, model, held_out),
            "adherence": float(adherence(painted, masks).mean()),
            "adherence_real": float(adherence(real, masks).mean()),
            "mean": float(painted.mean()),
            "mean_real": float(real.mean()),
        }
        return Evaluation(figures, tile(torch.from_numpy(np.concatenate([real, painted.astype(np.float32)]))))
