"""A training of a Cellpose network that a seed determines.

The flows, augmentation and loss are those of Cellpose 3.1 (Stringer et al. 2021, 2025), and so is the optimiser: AdamW
with a rate of 0.005 and a weight decay of 1e-5. The loop is our own. Cellpose's `train_seg` calls
`np.random.seed(epoch)`, so two trainings from one start give the same weights. It counts epochs, so an arm with more
images would take more steps; here every arm takes the same number.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from raysynth.config import EvaluateConfig
from raysynth.experiment.networks import WIDTHS, NetworkWeights, run_network, tile_side_of
from raysynth.experiment.training_set import TrainingSet

PLATEAU = 0.005
"""An arm has reached its plateau when the last quarter of its steps gains less validation SEG than this."""

_WEIGHT_DECAY = 1e-5
# Fractions of the steps with a rising rate, and with one that is halved ten times, as Cellpose does at the end.
_WARMUP, _DECAY, _HALVINGS = 0.02, 0.1, 10

Validate = Callable[[nn.Module], float]
"""SEG of a network on the validation frames. It may leave the network in evaluation mode."""


@dataclass(frozen=True)
class TrainedNetwork:
    """The outcome of a training.

    Attributes
    ----------
    weights
        Those of the best validation.
    step
        Step of the best validation.
    curve
        Step and validation SEG of every validation.
    """

    weights: NetworkWeights
    step: int
    curve: list[tuple[int, float]]


def segmentation_loss(output: Tensor, target: Tensor) -> Tensor:
    """Compute Cellpose's loss: half the squared error of five times the flows, and the cross-entropy of the mask.

    Parameters
    ----------
    output
        `(n, 3, y, x)`: flows along y and x, logit of the mask.
    target
        `(n, 3, y, x)`: mask, flows along y and x.

    Returns
    -------
    Tensor
        A scalar.
    """
    # Flows have length 1: five times as long, their error weighs as much as that of the mask (Cellpose's choice).
    flows = mse_loss(output[:, :2], 5 * target[:, 1:]) / 2
    return flows + binary_cross_entropy_with_logits(output[:, 2], (target[:, 0] > 0.5).float())


def segmentation_rate(step: int, steps: int, highest: float) -> float:
    """Compute the learning rate of one step: rising from 0, then constant, then halved ten times.

    Parameters
    ----------
    step
        0 to `steps` - 1.
    steps
        Steps of the training.
    highest
        The constant rate.

    Returns
    -------
    float
        The rate of this step.
    """
    rising = highest * min(1.0, (step + 1) / max(1.0, _WARMUP * steps))
    # 0 at the first step of the decay, 1 after the last; each tenth of it halves the rate once more.
    into_decay = (step - (1 - _DECAY) * steps) / (_DECAY * steps)
    return float(rising * 0.5 ** (np.floor(into_decay * _HALVINGS) + 1 if into_decay >= 0 else 0))


def train_network(
    network: nn.Module, data: TrainingSet, settings: EvaluateConfig, validate: Validate, device: str
) -> TrainedNetwork:
    """Train a network in place.

    Parameters
    ----------
    network
        The network.
    data
        Its tiles.
    settings
        Steps, rate and averaging.
    validate
        Measures what is trained.
    device
        Torch's name of the device.

    Returns
    -------
    TrainedNetwork
        The weights of the best validation.

    Notes
    -----
    The moving average of the weights is validated. At a constant rate the weights of single steps jump about, by more
    than what the arms differ by.
    """
    network.to(device)
    # Buffers too: the running statistics of batch norms belong to the weights that made them.
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(settings.ema), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
    curve: list[tuple[int, float]] = []
    best: NetworkWeights = {}
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = segmentation_rate(step, settings.steps, settings.learning_rate)
        network.train()
        tiles, targets = (torch.from_numpy(array).to(device) for array in data.batch(step))
        optimizer.zero_grad()
        segmentation_loss(run_network(network, tiles, settings.precision), targets).backward()
        optimizer.step()
        average.update_parameters(network)
        done = step + 1
        if done % settings.validate_every == 0 or done == settings.steps:
            seg = validate(average.module)
            # The first of equal validations stays: it took the fewest steps.
            if not curve or seg > max(before for _, before in curve):
                best = {name: value.cpu() for name, value in deepcopy(average.module.state_dict()).items()}
            curve.append((done, seg))
    return TrainedNetwork(best, max(curve, key=lambda at: at[1])[0], curve)


def gain_at_the_end(curve: list[tuple[int, float]]) -> float:
    """Compute what the last quarter of the steps added to the best validation SEG.

    Parameters
    ----------
    curve
        Step and validation SEG of every validation.

    Returns
    -------
    float
        Below `PLATEAU` the plateau had been reached.
    """
    # Never empty: the settings ask for a validation in every quarter of the steps.
    until = 0.75 * curve[-1][0]
    before = [seg for step, seg in curve if step <= until]
    return max(seg for _, seg in curve) - max(before)


def describe_training(settings: EvaluateConfig) -> dict[str, Any]:
    """Say how networks are trained, for the report.

    Parameters
    ----------
    settings
        Network and tiles.

    Returns
    -------
    dict of str to object
        Name → value or text.
    """
    return {
        "network": f"CPnet {'-'.join(map(str, WIDTHS[settings.network]))}",
        "tile_px": tile_side_of(settings),
        "optimizer": f"AdamW, weight decay {_WEIGHT_DECAY:g}, {_WARMUP:.0%} warm-up, halved {_HALVINGS} times in the "
        f"last {_DECAY:.0%}",
        "checkpoint": "of the best validation SEG, for every arm",
    }
