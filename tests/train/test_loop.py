from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.config import TrainConfig
from raysynth.errors import InputError
from raysynth.seeds import normal
from raysynth.train.board import Evaluation
from raysynth.train.loop import Trainer, sample_generators


class Line:
    """Fit y = 3 x + 1 from noisy samples: small, but the whole loop."""

    name = "line"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = nn.Linear(1, 1)

    def batch(self, rngs: Sequence[Generator]) -> Tensor:
        return torch.stack([normal(rng, 1) for rng in rngs])

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        return (model(batch) - 3 * batch - 1).square().mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        with torch.no_grad():
            return Evaluation({"at_one": float(model(torch.ones(1, 1)))}, torch.zeros(4, 4))


def settings(**changes: object) -> TrainConfig:
    base = {
        "steps": 120,
        "batch": 8,
        "learning_rate": 0.1,
        "warmup": 5,
        "ema": 0.9,
        "checkpoint_every": 30,
        "threads": 1,
    }
    return TrainConfig.model_validate(base | changes)


def weights(task: Line) -> Tensor:
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])


def test_it_learns_and_reports(tmp_path: Path) -> None:
    task = Line()
    result = Trainer(task, settings(), tmp_path, "cpu").fit()
    assert result.figures["at_one"] == pytest.approx(4, abs=0.1)
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken, resumed = Line(), Line(), Line()
    Trainer(unbroken, settings(), tmp_path / "a", "cpu").fit()
    Trainer(broken, settings(), tmp_path / "b", "cpu").fit(stop_at=47)
    Trainer(resumed, settings(), tmp_path / "b", "cpu").fit()
    assert torch.equal(weights(unbroken), weights(resumed))


def test_accumulated_parts_sum_to_the_same_gradient(tmp_path: Path) -> None:
    whole, parts = Line(), Line()
    Trainer(whole, settings(steps=20), tmp_path / "a", "cpu").fit()
    Trainer(parts, settings(steps=20, accumulate=4), tmp_path / "b", "cpu").fit()
    torch.testing.assert_close(weights(whole), weights(parts), rtol=1e-4, atol=1e-5)


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch of line is 9, which 1 workers x 2 parts"):
        Trainer(Line(), settings(batch=9, accumulate=2), tmp_path, "cpu")


@given(st.integers(0, 5), st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 4)]))
def test_workers_and_parts_share_out_the_same_global_samples(step: int, cut: tuple[int, int]) -> None:
    world, accumulate = cut
    config = settings(batch=16, accumulate=accumulate)
    shared = [
        g
        for part in range(accumulate)
        for rank in range(world)
        for g in sample_generators(config, step, rank, world, part)
    ]
    alone = sample_generators(settings(batch=16), step, 0, 1, 0)
    assert [g.integers(2**31) for g in shared] == [g.integers(2**31) for g in alone]
