"""Networks from seeds and from files."""

from pathlib import Path

import pytest
import torch
from torch import nn

from raysynth.base.errors import InputError
from raysynth.config import EvaluateConfig
from raysynth.experiment.networks import DIAMETER_PX, build_network, diameter_of, read_weights, tile_side_of

CONFIG = EvaluateConfig(tile_px=32)


def test_weights_are_read_back_and_foreign_ones_refused(tmp_path: Path) -> None:
    weights = build_network(CONFIG, 3).state_dict()
    torch.save(weights, tmp_path / "w.pt")
    found = read_weights(tmp_path / "w.pt", CONFIG)
    assert all(torch.equal(value, found[name]) for name, value in weights.items())
    assert diameter_of(weights) == diameter_of(None) == DIAMETER_PX
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    for name in ("other.pt", "absent.pt"):
        with pytest.raises(InputError, match=name):
            read_weights(tmp_path / name, CONFIG)


def test_full_is_cellpose_s_own_width() -> None:
    full = build_network(EvaluateConfig(network="full"), 0)
    assert sum(p.numel() for p in full.parameters()) > 6e6
    assert tile_side_of(EvaluateConfig(network="full")) == 224
    assert tile_side_of(CONFIG) == 32


def test_a_seed_draws_the_weights() -> None:
    one, again, other = (build_network(CONFIG, seed).state_dict()["output.2.weight"] for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
