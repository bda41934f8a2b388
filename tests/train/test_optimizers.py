from typing import Literal

import pytest
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from torch import nn
from torch.optim import AdamW, Optimizer

from raysynth.config import TrainConfig
from raysynth.train.optimizers import build_optimizer, cosine_with_warmup

Optimiser = Literal["adamw", "adafactor"]
BOTH: tuple[Optimiser, ...] = ("adamw", "adafactor")


def state_values(optimizer: torch.optim.Optimizer) -> int:
    return sum(value.numel() for state in optimizer.state.values() for value in state.values())


@pytest.mark.parametrize("name", BOTH)
def test_zero_weights_move_by_the_learning_rate_and_frozen_ones_stay(name: Optimiser) -> None:
    layer = nn.Linear(32, 32)
    nn.init.zeros_(layer.weight)
    layer.bias.requires_grad_(False)
    bias = layer.bias.clone()
    optimizer = build_optimizer(layer.parameters(), TrainConfig(optimizer=name, learning_rate=1e-3))
    layer(torch.randn(8, 32, generator=torch.manual_seed(0))).square().sum().backward()
    optimizer.step()
    assert float(layer.weight.detach().square().mean().sqrt()) == pytest.approx(1e-3, rel=0.1)
    assert torch.equal(layer.bias, bias)


def test_adafactor_keeps_rows_and_columns_instead_of_weights() -> None:
    sizes = {}
    for name in BOTH:
        layer = nn.Linear(64, 64, bias=False)
        optimizer = build_optimizer(layer.parameters(), TrainConfig(optimizer=name))
        layer(torch.ones(1, 64)).sum().backward()
        optimizer.step()
        sizes[name] = state_values(optimizer)
    assert sizes == {"adamw": 2 * 64**2 + 1, "adafactor": 2 * 64 + 1}


def one_weight() -> Optimizer:
    return AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.00123)


@pytest.mark.parametrize(("warmup", "steps"), [(0, 7), (1, 4), (100, 2000), (13, 13), (20, 10)])
def test_rates_are_those_that_diffusers_gives_to_the_last_bit(warmup: int, steps: int) -> None:
    ours, theirs = one_weight(), one_weight()
    mine, reference = cosine_with_warmup(ours, warmup, steps), get_cosine_schedule_with_warmup(theirs, warmup, steps)
    for _ in range(steps + 2):
        assert mine.get_last_lr() == reference.get_last_lr()
        for each, schedule in ((ours, mine), (theirs, reference)):
            each.step()
            schedule.step()


def test_the_state_of_an_earlier_version_is_resumed() -> None:
    theirs, ours = one_weight(), one_weight()
    reference, mine = get_cosine_schedule_with_warmup(theirs, 3, 50), cosine_with_warmup(ours, 3, 50)
    for _ in range(10):
        theirs.step()
        reference.step()
    ours.load_state_dict(theirs.state_dict())
    mine.load_state_dict(reference.state_dict())
    assert mine.state_dict().keys() == reference.state_dict().keys()
    for each, schedule in ((theirs, reference), (ours, mine)):
        each.step()
        schedule.step()
    assert mine.get_last_lr() == reference.get_last_lr()
    assert ours.param_groups[0]["lr"] == theirs.param_groups[0]["lr"]
