"""The optimisers a training may use."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from raysynth.config import TrainConfig

WEIGHT_DECAY = 1e-4


def build_optimizer(parameters: Iterable[nn.Parameter], config: TrainConfig) -> Optimizer:
    """The configured optimiser of those `parameters` that require gradients.

    Adafactor (Shazeer & Stern 2018) keeps sums over rows and columns where AdamW keeps two values a weight.
    """
    trained = [p for p in parameters if p.requires_grad]
    if config.optimizer == "adafactor":
        # torch's steps shrink with the weights' own size, to nothing for a ControlNet's zero convolutions. A least
        # scale of 1 leaves steps of the learning rate, as AdamW's are.
        return torch.optim.Adafactor(trained, lr=config.learning_rate, eps=(None, 1.0), weight_decay=WEIGHT_DECAY)
    return torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
