from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from numpy.random import Generator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from raysynth.base.errors import InputError
from raysynth.base.seeds import normal
from raysynth.config import TrainConfig
from raysynth.train.board import Evaluation
from raysynth.train.loop import Trainer


class Line:
    """Fit y = 3 x + 1 from noisy samples: small, but the whole loop."""

    name = "line"

    def __init__(self, held_out: Sequence[float] = (), inputs: int = 1) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = nn.Linear(inputs, 1)
        self.held_out = iter(held_out)

    def batch(self, rngs: Sequence[Generator]) -> Tensor:
        return torch.stack([normal(rng, 1) for rng in rngs])

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        return (model(batch) - 3 * batch - 1).square().mean()

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        with torch.no_grad():
            metrics = {"at_one": float(model(torch.ones(1, 1)))}
        return Evaluation(metrics | {"held_out_loss": next(self.held_out, 0.0)}, torch.zeros(4, 4))


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


EARLY = {"steps": 100, "sample_every": 10, "checkpoint_every": 25, "keep": 1, "patience": 2, "ema": 0.5}


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def weights(task: Line) -> Tensor:
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])


def test_it_learns_and_reports(tmp_path: Path) -> None:
    task = Line()
    result = Trainer(task, settings(), tmp_path, "cpu").fit()
    assert result.metrics["at_one"] == pytest.approx(4, abs=0.1)
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken, resumed = Line(), Line(), Line()
    Trainer(unbroken, settings(), tmp_path / "a", "cpu").fit()
    Trainer(broken, settings(), tmp_path / "b", "cpu").fit(stop_at=47)
    Trainer(resumed, settings(), tmp_path / "b", "cpu").fit()
    assert torch.equal(weights(unbroken), weights(resumed))


def test_it_stops_early_with_the_best_weights_and_stays_stopped(tmp_path: Path) -> None:
    short, early = Line(), Line([5.0, 3.0, 4.0, 3.5])
    Trainer(short, settings(**EARLY), tmp_path / "short", "cpu").fit(stop_at=20)
    lines: list[str] = []
    trainer = Trainer(early, settings(**EARLY), tmp_path / "early", "cpu", lines.append)
    trainer.fit()
    assert trainer.stopped_early
    assert trainer.history == [(10, 5.0), (20, 3.0), (30, 4.0), (40, 3.5)]
    assert trainer.checkpoints.steps() == [20, 40]
    assert torch.equal(weights(early), weights(short))
    assert any("lowest at step 20" in line for line in lines)
    again = Line()
    Trainer(again, settings(**EARLY), tmp_path / "early", "cpu").fit()
    assert torch.equal(weights(again), weights(short))


def test_patience_counts_on_after_a_stop(tmp_path: Path) -> None:
    Trainer(Line([3.0, 4.0]), settings(**EARLY), tmp_path, "cpu").fit(stop_at=25)
    trainer = Trainer(Line([3.5]), settings(**EARLY), tmp_path, "cpu")
    trainer.fit()
    assert trainer.history == [(10, 3.0), (20, 4.0), (30, 3.5)]


def test_a_damaged_newest_checkpoint_costs_its_steps_alone(tmp_path: Path) -> None:
    unbroken, resumed = Line(), Line()
    Trainer(unbroken, settings(), tmp_path / "a", "cpu").fit()
    Trainer(Line(), settings(), tmp_path / "b", "cpu").fit(stop_at=75)
    newest = tmp_path / "b" / "checkpoints" / "step-00000075.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    lines: list[str] = []
    Trainer(resumed, settings(), tmp_path / "b", "cpu", lines.append).fit()
    assert "step-00000075.pt is damaged" in lines[0]
    assert torch.equal(weights(unbroken), weights(resumed))


def test_a_checkpoint_without_newer_keys_is_resumed(tmp_path: Path) -> None:
    unbroken, resumed = Line(), Line()
    Trainer(unbroken, settings(), tmp_path / "a", "cpu").fit()
    Trainer(Line(), settings(), tmp_path / "b", "cpu").fit(stop_at=60)
    path = tmp_path / "b" / "checkpoints" / "step-00000060.pt"
    state = torch.load(path, weights_only=True)
    torch.save({name: state[name] for name in ("model", "ema", "optimizer", "schedule")}, path)
    Trainer(resumed, settings(), tmp_path / "b", "cpu").fit()
    assert torch.equal(weights(unbroken), weights(resumed))


@pytest.mark.parametrize(
    ("changes", "inputs", "said"), [({"steps": 240}, 1, "of 120 steps where the settings say 240"), ({}, 2, "shape")]
)
def test_a_checkpoint_of_another_training_is_refused(
    tmp_path: Path, changes: dict[str, int], inputs: int, said: str
) -> None:
    Trainer(Line(), settings(), tmp_path, "cpu").fit(stop_at=10)
    with pytest.raises(InputError, match=said) as error:
        Trainer(Line(inputs=inputs), settings(**changes), tmp_path, "cpu").fit()
    assert "\n" not in str(error.value)


def test_what_it_costs_is_logged(tmp_path: Path) -> None:
    lines: list[str] = []
    steps: list[tuple[int, int]] = []

    def progress(done: int, total: int, message: str = "") -> None:
        steps.append((done, total))

    Trainer(Line(), settings(log_every=50), tmp_path, "cpu", lines.append, progress).fit()
    assert [step for step, _ in scalars(tmp_path, "loss")] == list(range(1, 121))
    assert [step for step, _ in scalars(tmp_path, "data_wait")] == [50, 100, 120]
    assert all(0 < fraction < 1 for _, fraction in scalars(tmp_path, "data_wait"))
    assert max(rate for _, rate in scalars(tmp_path, "learning_rate")) == pytest.approx(0.1)
    assert all(norm > 0 for _, norm in scalars(tmp_path, "gradient_norm"))
    assert "line step 100/120 loss" in lines[1]
    assert "data wait" in lines[1]
    assert steps == [(50, 120), (100, 120), (120, 120)]


def test_checkpoints_and_events_live_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    unbroken, resumed = Line(), Line()
    Trainer(unbroken, settings(), tmp_path, "cpu").fit()
    Trainer(Line(), settings(), bucket, "cpu").fit(stop_at=47)
    trainer = Trainer(resumed, settings(), bucket, "cpu")
    trainer.fit()
    assert torch.equal(weights(unbroken), weights(resumed))
    assert trainer.checkpoints.steps() == [90, 120]
    assert len(trainer.objects.keys("tensorboard")) == 2


def test_accumulated_parts_sum_to_the_same_gradient(tmp_path: Path) -> None:
    whole, parts = Line(), Line()
    Trainer(whole, settings(steps=20), tmp_path / "a", "cpu").fit()
    Trainer(parts, settings(steps=20, accumulate=4), tmp_path / "b", "cpu").fit()
    torch.testing.assert_close(weights(whole), weights(parts), rtol=1e-4, atol=1e-5)


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch of line is 9, which 1 workers x 2 parts"):
        Trainer(Line(), settings(batch=9, accumulate=2), tmp_path, "cpu")
