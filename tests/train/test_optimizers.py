from typing import Literal

import pytest
import torch
from torch import nn

from raysynth.config import TrainConfig
from raysynth.train.optimizers import build_optimizer

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
