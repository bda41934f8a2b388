"""The optimisers a training may use."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

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
