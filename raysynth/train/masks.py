"""Data and loss of MaskDDPM."""

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from torch import Tensor, nn

from raysynth.base.seeds import Stage, generator
from raysynth.base.symmetries import AUGMENTATIONS, symmetry
from raysynth.config import Config
from raysynth.measures.copies import near_copies
from raysynth.models import masks as mask_ddpm
from raysynth.models.diffusion import noise_and_time, per_sample_loss, schedule
from raysynth.models.masks import MaskLimits, outline_figures, told
from raysynth.models.signed_distance import as_batch, fold, resized, soften, truncation_at
from raysynth.train.board import Evaluation
from raysynth.train.crops import Crops, load_crops
from raysynth.train.held_out import SAMPLES, Batch, held_out_loss
from raysynth.train.start import mask_network

SHOWN = 64


class MaskTask:
    """Denoising of soft masks under their cells' figures, each turned and flipped at random."""

    name = "masks"

    def __init__(self, config: Config) -> None:
        self.config = config.masks
        self.train, self.validation = load_crops(config, "train"), load_crops(config, "validation")
        self.side_px = self.config.resolution_px or self.train.side_px
        self.soft, self.soft_held_out = self._soft(self.train), self._soft(self.validation)
        self.limits = MaskLimits.measure(self.train.outlines, config.masks.tail)
        self.scheduler = schedule()
        self.model: nn.Module = mask_network(config, self.side_px)
        self.fold = mask_ddpm.folding_of(self.model)

    def _soft(self, crops: Crops) -> NDArray[np.float32]:
        """Soft masks `(n, side, side)` at the side at which the network works."""
        truncation = truncation_at(self.config.truncation_px, self.config.resolution_px, crops.side_px)
        return resized(as_batch(soften(crops.outlines, truncation)), self.side_px)[:, 0].numpy()

    def batch(self, rngs: Sequence[Generator]) -> Batch:
        """Turned soft masks, folded, with noise, timesteps and what the network is told."""
        return self._batch(self.train, self.soft, rngs)

    def _batch(self, crops: Crops, soft: NDArray[np.float32], rngs: Sequence[Generator]) -> Batch:
        chosen = [int(rng.integers(len(soft))) for rng in rngs]
        drawn = np.stack(
            [symmetry(soft[i], AUGMENTATIONS[int(rng.integers(8))]) for i, rng in zip(chosen, rngs, strict=True)]
        )
        x0 = fold(as_batch(drawn), self.fold)
        return Batch(x0, *noise_and_time(rngs, *x0.shape[1:]), (told_of(crops, chosen, np.greater(drawn, 0)),))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error of the predicted velocity."""
        device = next(model.parameters()).device
        x0, noise, t, figures = (tensor.to(device) for tensor in (*batch[:3], *batch.conditions))
        predicted = mask_ddpm.predict(model, self.scheduler.add_noise(x0, noise, t), t, figures)
        return per_sample_loss(self.scheduler, predicted, x0, noise, t).mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Figures of masks drawn for the shapes of validation cells, beside those cells; and 64 of the masks.

        rejected: share that the limits refuse. ks_*: Kolmogorov–Smirnov distance of area, eccentricity and solidity.
        near_copies: share that nearly copies a training mask; simple shapes resemble one another by chance, so the same
        share of held-out masks stands beside.
        """
        assert isinstance(model, UNet2DModel)
        model.eval()
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(SHOWN)]
        chosen = [int(rng.integers(len(self.validation.outlines))) for rng in rngs]
        real = np.asarray(self.validation.outlines[chosen])
        told_figures = told_of(self.validation, chosen, real)
        steps, side = self.config.sampler_steps, self.validation.side_px
        drawn = mask_ddpm.sample(model, self.scheduler, rngs, told_figures, steps, side)
        held_out = [generator(seed, 1, Stage.EVALUATION, i) for i in range(SAMPLES)]
        figures = {
            "held_out_loss": held_out_loss(self, model, self._batch(self.validation, self.soft_held_out, held_out)),
            "rejected": sum(self.limits.reject(mask) is not None for mask in drawn) / SHOWN,
            "near_copies": near_copies(drawn, self.train.outlines),
            "near_copies_held_out": near_copies(real, self.train.outlines),
        }
        return Evaluation(figures | _distances(drawn, real), tile(torch.from_numpy(drawn).float()))


def told_of(crops: Crops, chosen: Sequence[int], masks: NDArray[np.bool_]) -> Tensor:
    """What the network is told `(n, 4)` of outlines by index, lying as in `masks` `(n, side, side)`."""
    rows = zip(chosen, (mask_ddpm.elongation(mask) for mask in masks), strict=True)
    return torch.tensor([told(float(crops.areas[i]), float(crops.solidities[i]), *long) for i, long in rows])


def _distances(drawn: NDArray[np.bool_], real: NDArray[np.bool_]) -> dict[str, float]:
    ours, theirs = (np.array([outline_figures(m) for m in masks if m.any()]) for masks in (drawn, real))
    names = ("ks_area", "ks_eccentricity", "ks_solidity")
    return {name: float(ks_2samp(ours[:, i], theirs[:, i]).statistic) for i, name in enumerate(names)}


def tile(images: Tensor, columns: int = 8) -> Tensor:
    """`(n, y, x)` images side by side, `columns` in a row; n must be a multiple of it."""
    n, y, x = images.shape
    return images.reshape(n // columns, columns, y, x).permute(0, 2, 1, 3).reshape(n // columns * y, columns * x)
