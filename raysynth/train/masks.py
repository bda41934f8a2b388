"""Data and loss of MaskDDPM."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from raysynth.cascade import masks as mask_ddpm
from raysynth.cascade.diffusion import noise_and_time, per_sample_loss, schedule
from raysynth.cascade.masks import MaskLimits
from raysynth.cascade.softmask import as_batch, flip_turn, fold, soften
from raysynth.config import Config
from raysynth.evaluate.copies import near_copies
from raysynth.seeds import Stage, generator
from raysynth.train.board import Evaluation
from raysynth.train.crops import load_crops
from raysynth.train.held_out import SAMPLES, Batch, held_out_loss

SHOWN = 64


class MaskTask:
    """Unconditional denoising of soft masks, each turned and flipped at random."""

    name = "masks"

    def __init__(self, config: Config) -> None:
        crops = load_crops(config, "train")
        self.config = config.masks
        self.outlines, self.held_out = crops.outlines, load_crops(config, "validation").outlines
        self.soft = soften(crops.outlines, config.masks.truncation_px)
        self.soft_held_out = soften(self.held_out, config.masks.truncation_px)
        self.limits = MaskLimits.measure(crops.outlines, config.masks.tail)
        self.scheduler = schedule()
        self.model: nn.Module = mask_ddpm.build(crops.side_px, config.masks)

    def batch(self, rngs: Sequence[Generator]) -> Batch:
        """Turned soft masks, folded, with noise and timesteps."""
        return self._batch(self.soft, rngs)

    def _batch(self, soft: NDArray[np.float32], rngs: Sequence[Generator]) -> Batch:
        drawn = [flip_turn(soft[rng.integers(len(soft))], int(rng.integers(8))) for rng in rngs]
        x0 = fold(as_batch(np.stack(drawn)))
        return Batch(x0, *noise_and_time(rngs, *x0.shape[1:]))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error of the predicted velocity."""
        device = next(model.parameters()).device
        x0, noise, t = (x.to(device) for x in batch[:3])
        predicted = model(self.scheduler.add_noise(x0, noise, t), t).sample
        return per_sample_loss(self.scheduler, predicted, x0, noise, t).mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Share of drawn masks that the limits refuse or that nearly copy a training mask, and 64 of the masks.

        Simple shapes resemble one another by chance: the same share of held-out masks stands beside.
        """
        model.eval()
        rngs = [generator(seed, 0, Stage.EVALUATION, i) for i in range(SHOWN)]
        drawn = mask_ddpm.sample(model, self.scheduler, rngs, self.config.sampler_steps)
        refused = [self.limits.reject(mask) for mask in drawn]
        area = float(np.median([mask.sum() for mask in drawn]) / np.median((self.soft > 0).sum(axis=(1, 2))))
        held_out = self._batch(self.soft_held_out, [generator(seed, 1, Stage.EVALUATION, i) for i in range(SAMPLES)])
        figures = {
            "held_out_loss": held_out_loss(self, model, held_out),
            "rejected": sum(r is not None for r in refused) / SHOWN,
            "median_area_ratio": area,
            "near_copies": near_copies(drawn, self.outlines),
            "near_copies_held_out": near_copies(np.asarray(self.held_out[:SHOWN]), self.outlines),
        }
        return Evaluation(figures, tile(torch.from_numpy(drawn).float()))


def tile(images: Tensor, columns: int = 8) -> Tensor:
    """`(n, y, x)` images side by side, `columns` in a row; n must be a multiple of it."""
    n, y, x = images.shape
    return images.reshape(n // columns, columns, y, x).permute(0, 2, 1, 3).reshape(n // columns * y, columns * x)
