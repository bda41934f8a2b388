"""Data and loss of MaskDDPM."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.cascade import masks as mask_ddpm
from raysynth.cascade.diffusion import noise_and_time, per_sample_loss, schedule
from raysynth.cascade.masks import MaskLimits
from raysynth.cascade.softmask import as_batch, flip_turn, fold, soften
from raysynth.config import Config
from raysynth.evaluate.copies import near_copies
from raysynth.seeds import Stage, generator
from raysynth.train.crops import load_crops
from raysynth.train.loop import Evaluation

SHOWN = 64


class MaskTask:
    """Unconditional denoising of soft masks, each turned and flipped at random."""

    name = "masks"

    def __init__(self, config: Config) -> None:
        crops = load_crops(config, "train")
        self.config = config.masks
        self.outlines, self.held_out = crops.outlines, load_crops(config, "validation").outlines
        self.soft = soften(crops.outlines, config.masks.truncation_px)
        self.limits = MaskLimits.measure(crops.outlines, config.masks.tail)
        self.scheduler = schedule()
        self.model: nn.Module = mask_ddpm.build(crops.side_px, config.masks)

    def loss(self, model: nn.Module, rngs: Sequence[Generator]) -> Tensor:
        """Mean squared error of the predicted velocity."""
        drawn = [flip_turn(self.soft[rng.integers(len(self.soft))], int(rng.integers(8))) for rng in rngs]
        x0 = fold(as_batch(np.stack(drawn)))
        noise, t = noise_and_time(rngs, *x0.shape[1:])
        device = next(model.parameters()).device
        x0, noise, t = x0.to(device), noise.to(device), t.to(device)
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
        figures = {
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
