"""Cellpose networks, and a training of them that a seed determines.

The network, its flows, augmentation and loss are those of Cellpose 3.1 (Stringer 2021, 2025), and so is the optimiser:
AdamW with a rate of 0.005 and a weight decay of 1e-5. The loop is our own: Cellpose's `train_seg` calls
`np.random.seed(epoch)`, so two trainings from one start give the same weights, and it counts epochs, so that an arm
with more images would take more
steps. Here every arm takes the same number.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.config import EvaluateConfig
from raysynth.config.evaluation import Precision
from raysynth.experiment.training_set import TrainingSet

WIDTHS = {"small": (2, 16, 32, 64), "full": (2, 32, 64, 128, 256)}
"""Channels of the input and of each level."""

TILE_PX = {"small": 128, "full": 224}

DIAMETER_PX = 30.0
"""Of the cells a network from scratch sees: Cellpose's own for its generalists (17 is that of its nuclei model)."""

OUTPUTS = 3
WEIGHT_DECAY = 1e-5
WARMUP, DECAY, HALVINGS = 0.02, 0.1, 10
"""Shares of the steps with a rising rate, and with one that is halved ten times, as Cellpose does at the end."""

PLATEAU = 0.005
"""An arm has reached its plateau when the last quarter of its steps gains less validation SEG than this."""

_INITIAL = 3

State = dict[str, Tensor]
Validate = Callable[[nn.Module], float]


@dataclass(frozen=True)
class Trained:
    """The weights of the best validation, its step, and (step, validation SEG) of every validation."""

    state: State
    step: int
    curve: list[tuple[int, float]]


def build(config: EvaluateConfig, seed: int, start: State | None = None) -> nn.Module:
    """The configured network: with weights drawn by `seed`, or the weights `start`."""
    from cellpose.resnet_torch import CPnet

    rng = generator(seed, 0, Stage.EVALUATION, _INITIAL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        network = CPnet(list(WIDTHS[config.network]), OUTPUTS, 3, diam_mean=DIAMETER_PX)
    if start is not None:
        network.load_state_dict(start)
    return network.to(memory_format=torch.channels_last)  # a quarter faster on a CPU


def forward(network: nn.Module, tiles: Tensor, precision: Precision) -> Tensor:
    """Outputs `(n, 3, y, x)` of tiles `(n, 2, y, x)`, in single precision whatever the network's own."""
    with torch.autocast(tiles.device.type, torch.bfloat16, enabled=precision == "bf16"):
        found = network(tiles.contiguous(memory_format=torch.channels_last))[0]
    return found.float()


def read_weights(path: Path, config: EvaluateConfig) -> State:
    """The weights of a file that Cellpose 2 or 3 (or `save_weights`) wrote; InputError when they do not fit."""
    try:
        state: State = torch.load(path, map_location="cpu", weights_only=True)
        build(config, 0, state)
    except FileNotFoundError:
        raise InputError(f"evaluate.weights {path} is missing: give a file of Cellpose weights") from None
    # Unpickling reports a foreign file with whatever type the failing step has; every one means the same here.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise InputError(
            f"evaluate.weights {path} holds no weights of evaluate.network '{config.network}' ({reason}): give a file "
            "of that network of Cellpose 2 or 3"
        ) from None
    return state


def diameter_of(state: State | None) -> float:
    """The cell diameter, in pixels, that weights expect; `DIAMETER_PX` from scratch."""
    return DIAMETER_PX if state is None else float(state["diam_mean"])


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Cellpose's: half the squared error of five times the flows, and the cross-entropy of the mask.

    output `(n, 3, y, x)`: flows along y and x, logit of the mask. target `(n, 3, y, x)`: mask, flows along y and x.
    """
    flows = mse_loss(output[:, :2], 5 * target[:, 1:]) / 2
    return flows + binary_cross_entropy_with_logits(output[:, 2], (target[:, 0] > 0.5).float())


def rate(step: int, steps: int, highest: float) -> float:
    """Learning rate of step 0 .. `steps` - 1: rising from 0, constant, then halved `HALVINGS` times."""
    rising = highest * min(1.0, (step + 1) / max(1.0, WARMUP * steps))
    into_decay = (step - (1 - DECAY) * steps) / (DECAY * steps)
    return rising * 0.5 ** (np.floor(into_decay * HALVINGS) + 1 if into_decay >= 0 else 0)


def fit(network: nn.Module, data: TrainingSet, config: EvaluateConfig, validate: Validate, device: str) -> Trained:
    """Train in place for `config.steps` steps on `device`; the weights returned are those of the best validation.

    What is validated is the moving average of the weights: at a constant rate the weights of single steps jump about,
    by more than what the arms differ by.
    validate: SEG of the network on the validation frames; it leaves the network in evaluation mode or not, as it likes.
    """
    network.to(device)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
    curve: list[tuple[int, float]] = []
    best: State = {}
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, config.steps, config.learning_rate)
        network.train()
        tiles, targets = (torch.from_numpy(array).to(device) for array in data.batch(step))
        optimizer.zero_grad()
        loss(forward(network, tiles, config.precision), targets).backward()
        optimizer.step()
        average.update_parameters(network)
        done = step + 1
        if done % config.validate_every == 0 or done == config.steps:
            seg = validate(average.module)
            if not curve or seg > max(before for _, before in curve):
                best = {name: value.cpu() for name, value in deepcopy(average.module.state_dict()).items()}
            curve.append((done, seg))
    return Trained(best, max(curve, key=lambda at: at[1])[0], curve)


def gain_at_the_end(curve: list[tuple[int, float]]) -> float:
    """What the last quarter of the steps added to the best validation SEG; below `PLATEAU` it had been reached."""
    until = 0.75 * curve[-1][0]
    before = [seg for step, seg in curve if step <= until]
    return max(seg for _, seg in curve) - max(before)


def describe(config: EvaluateConfig) -> dict[str, Any]:
    """How networks are trained, for the report."""
    return {
        "network": f"CPnet {'-'.join(map(str, WIDTHS[config.network]))}",
        "tile_px": config.tile_px or TILE_PX[config.network],
        "optimizer": f"AdamW, weight decay {WEIGHT_DECAY:g}, {WARMUP:.0%} warm-up, halved {HALVINGS} times in the last "
        f"{DECAY:.0%}",
        "checkpoint": "of the best validation SEG, for every arm",
    }
