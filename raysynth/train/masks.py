"""Data and loss of MaskDDPM."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.random import Generator
from scipy.stats import ks_2samp
from torch import Tensor, nn

from raysynth.base.arrays import Floats, Mask
from raysynth.base.seeds import Stage, generator
from raysynth.base.symmetries import AUGMENTATIONS, symmetry
from raysynth.config import MasksConfig
from raysynth.measures.copies import near_copies
from raysynth.models.diffusion import noise_and_time, per_sample_loss, save_network, schedule
from raysynth.models.masks import (
    build_mask_network,
    elongation,
    folding_of,
    mask_condition,
    predict_velocity,
    sample_masks,
)
from raysynth.models.signed_distance import as_batch, fold, resize_images, to_signed_distance, truncation_in_crop
from raysynth.preparation.mask_limits import OUTLINE_METRICS, MaskLimits, outline_metrics
from raysynth.preparation.prepared import Crops, Prepared
from raysynth.train.board import Evaluation, picture_grid
from raysynth.train.held_out import HELD_OUT_SAMPLES, held_out_loss
from raysynth.train.start import model_of_start
from raysynth.train.task import SampleBatch

_SHOWN = 64
"""Masks that an evaluation draws and shows."""


class MaskTask:
    """Denoising of signed distances, conditioned on their cells' shapes, each turned and flipped at random.

    Parameters
    ----------
    prepared
        What `prepare` made.
    settings
        Settings of the masks' model.

    Attributes
    ----------
    model
        The network: untrained, or the one that `settings.start` names, which keeps its folding.
    side_px
        Side at which it works.
    """

    name = "masks"

    def __init__(self, prepared: Prepared, settings: MasksConfig) -> None:
        self.settings = settings
        self.train, self.validation = prepared.train, prepared.validation
        self.side_px = settings.resolution_px or self.train.side_px
        # Once for all crops, or every batch would wait for its distance transforms.
        self.distances, self.held_out_distances = self._distances(self.train), self._distances(self.validation)
        self.limits = MaskLimits.measure(self.train.outlines, settings.tail)
        self.scheduler = schedule()
        self.model: nn.Module = _network(settings, self.side_px)
        self.fold = folding_of(self.model)

    def batch(self, rngs: Sequence[Generator]) -> SampleBatch:
        """Make turned signed distances, folded, with noise, timesteps and conditions; see `Task`."""
        return self._batch(self.train, self.distances, rngs)

    def loss(self, model: nn.Module, batch: SampleBatch) -> Tensor:
        """Compute the mean squared error of the predicted velocity; see `Task`."""
        device = next(model.parameters()).device
        x0, noise, t, conditions = (tensor.to(device) for tensor in (*batch[:3], *batch.conditions))
        predicted = predict_velocity(model, self.scheduler.add_noise(x0, noise, t), t, conditions)
        return per_sample_loss(self.scheduler, predicted, x0, noise, t).mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Compare masks drawn for the shapes of validation cells with those cells, and show them.

        Parameters
        ----------
        model
            The network with its averaged weights.
        seed
            Random seed of the masks.

        Returns
        -------
        Evaluation
            `rejected`: fraction that the limits refuse. `ks_*`: Kolmogorov-Smirnov distance of area, eccentricity and
            solidity. `near_copies`: fraction that nearly copies a training mask. Simple shapes resemble one another by
            chance, so the same fraction of held-out masks stands beside.
        """
        assert isinstance(model, UNet2DModel)
        model.eval()
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(_SHOWN)]
        chosen = [int(rng.integers(len(self.validation.outlines))) for rng in rngs]
        real = np.asarray(self.validation.outlines[chosen])
        conditions = _conditions(self.validation, chosen, real)
        steps, side = self.settings.sampler_steps, self.validation.side_px
        drawn = sample_masks(model, self.scheduler, rngs, conditions, steps, side)
        # Shard 1: samples and noise of their own, other than those of the masks drawn above.
        held_out = [generator(seed, 1, Stage.EVALUATION, i) for i in range(HELD_OUT_SAMPLES)]
        samples = self._batch(self.validation, self.held_out_distances, held_out)
        metrics = {
            "held_out_loss": held_out_loss(self, model, samples),
            "rejected": sum(self.limits.reject(mask) is not None for mask in drawn) / _SHOWN,
            "near_copies": near_copies(drawn, self.train.outlines),
            "near_copies_held_out": near_copies(real, self.train.outlines),
        }
        return Evaluation(metrics | _ks_distances(drawn, real), picture_grid(torch.from_numpy(drawn).float()))

    def save(self, folder: Path) -> None:
        """Write the network in half precision, and its schedule; see `ModelTask`."""
        save_network(folder, self.model, self.scheduler)

    def _distances(self, crops: Crops) -> Floats:
        """Compute signed distances `(n, side, side)` at the side at which the network works."""
        truncation = truncation_in_crop(self.settings.truncation_px, self.settings.resolution_px, crops.side_px)
        distances = as_batch(to_signed_distance(crops.outlines, truncation))
        return resize_images(distances, self.side_px)[:, 0].numpy()

    def _batch(self, crops: Crops, distances: Floats, rngs: Sequence[Generator]) -> SampleBatch:
        chosen = [int(rng.integers(len(distances))) for rng in rngs]
        # One of the eight symmetries, drawn after the crop and before timestep and noise.
        turned = np.stack(
            [symmetry(distances[i], AUGMENTATIONS[int(rng.integers(8))]) for i, rng in zip(chosen, rngs, strict=True)]
        )
        x0 = fold(as_batch(turned), self.fold)
        # Measured on the turned outline: the direction of its long axis turns with it.
        conditions = _conditions(crops, chosen, np.greater(turned, 0))
        return SampleBatch(x0, *noise_and_time(rngs, *x0.shape[1:]), (conditions,))


def _network(settings: MasksConfig, side_px: int) -> UNet2DModel:
    """Build an untrained network, or open the one to start from and have it work at another side."""
    found = model_of_start("masks", settings.start)
    if found is None:
        return build_mask_network(side_px, settings)
    network, _ = found
    network.register_to_config(sample_size=side_px // folding_of(network))
    return network


def _conditions(crops: Crops, chosen: Sequence[int], masks: Mask) -> Tensor:
    """Compose what outlines are conditioned on `(n, 4)`: chosen by index, lying as in `masks` `(n, side, side)`."""
    rows = zip(chosen, (elongation(mask) for mask in masks), strict=True)
    return torch.tensor([mask_condition(float(crops.areas[i]), float(crops.solidities[i]), *long) for i, long in rows])


def _ks_distances(drawn: Mask, real: Mask) -> dict[str, float]:
    ours, theirs = (np.array([outline_metrics(m) for m in masks if m.any()]) for masks in (drawn, real))
    names = (f"ks_{name.removesuffix('_px')}" for name in OUTLINE_METRICS)
    return {name: float(ks_2samp(ours[:, i], theirs[:, i]).statistic) for i, name in enumerate(names)}
