"""Data and loss of the texture model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.seeds import Stage, generator, normal
from raysynth.config import TextureConfig
from raysynth.measures.adherence import adherence
from raysynth.models.diffusion import noise_and_time, per_sample_loss
from raysynth.models.image_codecs import PixelFolding
from raysynth.models.painting import paint, texture_condition
from raysynth.models.signed_distance import resize_images, truncation_in_crop
from raysynth.models.stable_diffusion import open_stable_diffusion
from raysynth.models.texture import TextureModel, build_texture_model
from raysynth.preparation.prepared import Crops, Prepared
from raysynth.train.board import Evaluation, picture_grid
from raysynth.train.codec import pixel_folding, trained_codec
from raysynth.train.crop_samples import draw_crops
from raysynth.train.held_out import HELD_OUT_SAMPLES, held_out_loss
from raysynth.train.start import SCRATCH, model_of_start
from raysynth.train.task import SampleBatch

_SHOWN = 32
"""Validation cells that an evaluation paints and shows."""


class TextureTask:
    """Denoising of encoded textures, conditioned on mask, height and brightness.

    Parameters
    ----------
    prepared
        What `prepare` made.
    settings
        Settings of the texture model.
    truncation_px
        Distance to the outline at which the signed distance saturates, in pixels at which the network works.
    storage
        Folder or address of the training: a learned image codec is trained below it, if it was not before.
    device
        `auto` or `cpu`, for that training.

    Attributes
    ----------
    texture, model
        The network: untrained, a bundle's, or Stable Diffusion, as `settings.start` says.
    """

    name = "texture"

    def __init__(
        self, prepared: Prepared, settings: TextureConfig, truncation_px: float, storage: str, device: str = "auto"
    ) -> None:
        self.settings, self.truncation_px = settings, truncation_px
        self.train, self.validation = prepared.train, prepared.validation
        self.texture = self._start(prepared, storage, device)
        self.model: nn.Module = self.texture
        self.side_px = settings.resolution_px or self.train.side_px

    def batch(self, rngs: Sequence[Generator]) -> SampleBatch:
        """Make images, noise, timesteps and conditions; see `Task`.

        The images are not encoded yet: the image codec is on the model's device.
        """
        return self._batch(self.train, rngs)

    def loss(self, model: nn.Module, batch: SampleBatch) -> Tensor:
        """Compute the mean squared error of the predicted velocity (or noise, as the schedule says); see `Task`."""
        device = next(model.parameters()).device
        images, conditions = (resize_images(x.to(device), self.side_px) for x in (batch.clean, *batch.conditions))
        x0 = self.texture.codec.encode(images)
        noise, t = batch.noise.to(device), batch.t.to(device)
        scheduler = self.texture.scheduler
        predicted = model(scheduler.add_noise(x0, noise, t), t, conditions)
        return per_sample_loss(scheduler, predicted, x0, noise, t).mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Paint validation masks and compare them with the real crops.

        Parameters
        ----------
        model
            The network with its averaged weights.
        seed
            Random seed of choice and noise.

        Returns
        -------
        Evaluation
            `adherence`: how well the foreground lies on the mask. `mean`: of the grey values in [0, 1]. The same of the
            real crops stand beside, under `*_real`. The picture shows both.
        """
        assert isinstance(model, TextureModel)
        model.eval()
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(_SHOWN)]
        images, slices = draw_crops(self.validation, rngs)
        masks = np.stack([one.mask for one in slices])
        real = (images[:, 0].numpy() + 1) / 2
        noise = [normal(rng, *model.encoded_shape(self.side_px)) for rng in rngs]
        painted = np.stack(paint(model, slices, noise, self.settings, self.truncation_px))
        held_out = [generator(seed, 1, Stage.EVALUATION, i) for i in range(HELD_OUT_SAMPLES)]
        metrics = {
            "held_out_loss": held_out_loss(self, model, self._batch(self.validation, held_out)),
            "adherence": float(adherence(painted, masks).mean()),
            "adherence_real": float(adherence(real, masks).mean()),
            "mean": float(painted.mean()),
            "mean_real": float(real.mean()),
        }
        grid = picture_grid(torch.from_numpy(np.concatenate([real, painted.astype(np.float32)])))
        return Evaluation(metrics, grid)

    def save(self, folder: Path) -> None:
        """Write every part of the model in half precision; see `ModelTask`."""
        self.texture.save(folder)

    def _start(self, prepared: Prepared, storage: str, device: str) -> TextureModel:
        """Build or open the model that `settings.start` names."""
        settings = self.settings
        found: TextureModel | None = model_of_start("texture", settings.start)
        if found is not None:
            if isinstance(found.codec, PixelFolding):  # the network knows grey values at one spread only
                found.codec = pixel_folding(prepared.train, found.codec.factor, settings.spread)
            return found
        if settings.start == SCRATCH:
            codec = trained_codec(prepared, settings, storage, device)
            return build_texture_model(codec, prepared.train.side_px, settings)
        return open_stable_diffusion(settings.start, settings.gradient_checkpointing)

    def _batch(self, crops: Crops, rngs: Sequence[Generator]) -> SampleBatch:
        images, slices = draw_crops(crops, rngs)
        truncation = truncation_in_crop(self.truncation_px, self.settings.resolution_px, crops.side_px)
        conditions = texture_condition(slices, truncation)
        return SampleBatch(images, *noise_and_time(rngs, *self.texture.encoded_shape(self.side_px)), (conditions,))
