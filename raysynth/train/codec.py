"""The image codec of a texture model from scratch: folded pixels, or an autoencoder that is trained first."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.seeds import Stage, generator
from raysynth.config import TextureConfig
from raysynth.models.image_codecs import ImageCodec, LearnedCodec, PixelFolding, build_autoencoder
from raysynth.preparation.prepared import Crops, Prepared
from raysynth.train.board import Evaluation, picture_grid
from raysynth.train.crop_samples import draw_crops
from raysynth.train.loop import Trainer

_SHOWN = 32
"""Crops that an evaluation shows, with their reconstructions."""

_SPREAD_FROM = 64
"""Crops from which the spread of a learned codec's encoded images is taken."""

_GREY_VALUES_FROM = 1000
"""Crops from which the mean and spread of the grey values are taken, about."""


class AutoencoderTask:
    """Reconstruction of texture crops: mean absolute and squared error.

    Parameters
    ----------
    prepared
        What `prepare` made.
    factor
        2 or 4: ratio of a crop's side to that of the encoded image.
    """

    name = "autoencoder"

    def __init__(self, prepared: Prepared, factor: int) -> None:
        self.train, self.validation = prepared.train, prepared.validation
        self.model: nn.Module = build_autoencoder(self.train.side_px, factor)

    def batch(self, rngs: Sequence[Generator]) -> Tensor:
        """Draw images; see `Task`."""
        return draw_crops(self.train, rngs)[0]

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        """Compute the reconstruction error, from the mean of what the encoder predicts; see `Task`."""
        images = batch.to(next(model.parameters()).device)
        # The mean instead of a sample: a loss draws nothing at random, so that a resumed training goes on alike.
        encode_decode = model(images, sample_posterior=False, return_dict=True)
        error = encode_decode.sample - images
        return error.abs().mean() + error.square().mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Reconstruct validation crops.

        Parameters
        ----------
        model
            The autoencoder with its averaged weights.
        seed
            Random seed of the choice of crops.

        Returns
        -------
        Evaluation
            `psnr_db`: peak signal-to-noise ratio in decibels for grey values in [0, 1].
        """
        model.eval()
        images, _ = draw_crops(self.validation, [generator(seed, 0, Stage.EVALUATION, i) for i in range(_SHOWN)])
        with torch.no_grad():
            again = model(images.to(next(model.parameters()).device)).sample.cpu()
            held_out = float(self.loss(model, images))
        # PSNR = -10 log10 MSE for grey values in [0, 1]; images here span [-1, 1], twice that.
        psnr = -10 * torch.log10(((again - images) / 2).square().mean())
        grid = picture_grid((torch.cat([images, again])[:, 0] + 1) / 2)
        return Evaluation({"held_out_loss": held_out, "psnr_db": float(psnr)}, grid)


def trained_codec(prepared: Prepared, settings: TextureConfig, storage: str, device: str) -> ImageCodec:
    """Make the configured image codec; train it where it has weights.

    Parameters
    ----------
    prepared
        What `prepare` made.
    settings
        Settings of the texture: factor, folding and spread.
    storage
        Folder or address of the texture's training; the autoencoder has a folder of its own in it.
    device
        `auto` or `cpu`.

    Returns
    -------
    ImageCodec
        The codec. Its encoded images have the configured spread.
    """
    if settings.autoencoder == 1:
        fold = settings.fold(prepared.statistics.crop_side_px)
        return pixel_folding(prepared.train, fold, settings.spread)
    task = AutoencoderTask(prepared, settings.autoencoder)
    training = settings.train.with_(steps=settings.autoencoder_steps)
    Trainer(task, training, f"{storage}/autoencoder", device).fit()
    codec = LearnedCodec(task.model)
    images, _ = draw_crops(task.train, [generator(0, 1, Stage.EVALUATION, i) for i in range(_SPREAD_FROM)])
    # Taken with a scaling factor of 1, which every fresh autoencoder has.
    spread = float(codec.encode(images.to(next(codec.parameters()).device)).std())
    codec.vae.register_to_config(scaling_factor=settings.spread / spread)
    return codec


def pixel_folding(crops: Crops, fold: int, spread: float) -> PixelFolding:
    """Make a codec that folds pixels, their grey values around 0 at a given spread.

    Parameters
    ----------
    crops
        The training crops, which have the grey values.
    fold
        Side of a block in pixels.
    spread
        Standard deviation of encoded images.

    Returns
    -------
    PixelFolding
        The codec.
    """
    images = crops.images
    # Every k-th crop: neighbours in the list are alike, and the first thousand may all be of a few frames.
    some = np.asarray(images[:: max(1, len(images) // _GREY_VALUES_FROM)], np.float32) * 2 - 1
    return PixelFolding(fold, float(some.mean()), float(some.std()) / spread)
