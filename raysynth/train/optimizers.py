"""The optimisers a training may use, and the learning rates over its steps."""

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from raysynth.config import TrainConfig

_WEIGHT_DECAY = 1e-4


def build_optimizer(parameters: Iterable[nn.Parameter], config: TrainConfig) -> Optimizer:
    """Make the configured optimiser.

    Parameters
    ----------
    parameters
        Those that require gradients are optimised.
    config
        Settings of the training: optimiser and learning rate.

    Returns
    -------
    Optimizer
        AdamW, or Adafactor (Shazeer & Stern 2018), which keeps sums over rows and columns where AdamW keeps two values
        per weight.
    """
    trained = [p for p in parameters if p.requires_grad]
    if config.optimizer == "adafactor":
        # torch's steps shrink with the weights' own size, to nothing for a ControlNet's zero convolutions. A least
        # scale of 1 leaves steps of the learning rate, as AdamW's are.
        return torch.optim.Adafactor(trained, lr=config.learning_rate, eps=(None, 1.0), weight_decay=_WEIGHT_DECAY)
    return torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=_WEIGHT_DECAY)


def cosine_with_warmup(optimizer: Optimizer, warmup: int, steps: int) -> LambdaLR:
    """Raise the learning rate linearly from 0, then lower it to 0 along half a cosine (Loshchilov & Hutter 2017).

    Parameters
    ----------
    optimizer
        What it is set in; its own rate is the highest.
    warmup
        Steps of the linear part.
    steps
        Steps in all.

    Returns
    -------
    LambdaLR
        The schedule, at step 0.

    Notes
    -----
    After the warm-up the factor is (1 + cos(π p)) / 2, where p is the fraction of the remaining steps that are done.
    The factor is a function of the step alone. Torch's `LinearLR` and `CosineAnnealingLR` compute each rate from the
    one before it instead: a resumed training would differ in the last bit from checkpoints of earlier versions.
    """

    def factor(step: int) -> float:
        if step < warmup:
            return step / max(1, warmup)
        # A warm-up as long as the training leaves no steps to divide by.
        done = (step - warmup) / max(1, steps - warmup)
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))

    return LambdaLR(optimizer, factor)
