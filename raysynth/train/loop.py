"""The one training loop: every model supplies its data and its loss, everything else is here.

Timestep, noise, augmentation and the choice of samples depend on (seed, step, global sample index), never on the rank
or on what ran before, so a resumed run needs no data state and any number of workers sees the same global batch.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from accelerate import Accelerator
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from numpy.random import Generator
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from raysynth.config import TrainConfig
from raysynth.seeds import Stage, generator
from raysynth.train.checkpoints import Checkpoints
from raysynth.train.optimizers import build_optimizer


@dataclass(frozen=True)
class Evaluation:
    """Figures of the averaged weights, and a picture `(y, x)` in [0, 1] to look at."""

    figures: dict[str, float] = field(default_factory=dict)
    grid: Tensor | None = None


class Task(Protocol):
    """What a model's module supplies: the network, its loss on some samples, its figures."""

    name: str
    model: nn.Module

    def loss(self, model: nn.Module, rngs: Sequence[Generator]) -> Tensor:
        """Mean loss of one sample for each generator, which decides all of that sample's randomness."""

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Figures on held-out data, the same data and noise at every call with the same seed."""


def sample_generators(config: TrainConfig, step: int, rank: int, world: int, part: int) -> list[Generator]:
    """Generators of this rank's samples in one accumulation part of the step's global batch."""
    share = config.batch // (world * config.accumulate)
    first = (part * world + rank) * share
    return [generator(config.seed, step, Stage.TRAINING, first + i) for i in range(share)]


class Trainer:
    """Optimises one task: accelerate for precision and workers, EMA, cosine schedule, exact resume."""

    def __init__(self, task: Task, config: TrainConfig, folder: Path, device: str = "auto") -> None:
        torch.set_num_threads(config.threads)
        self.task, self.config = task, config
        self.accelerator = Accelerator(mixed_precision=config.precision, cpu=device == "cpu")
        world = self.accelerator.num_processes
        if config.batch % (world * config.accumulate):
            raise ValueError(f"batch {config.batch} cannot be cut into {world} workers x {config.accumulate} parts")
        optimizer = build_optimizer(task.model.parameters(), config)
        warmup_cosine = get_cosine_schedule_with_warmup(optimizer, config.warmup, config.steps)
        self.model, self.optimizer = self.accelerator.prepare(task.model, optimizer)
        self.schedule = warmup_cosine
        self.ema = EMAModel(self._bare().parameters(), decay=config.ema)
        self.ema.to(self.accelerator.device)
        self.checkpoints = Checkpoints(folder / "checkpoints", config.keep)
        self.folder = folder

    def _bare(self) -> nn.Module:
        return self.accelerator.unwrap_model(self.model)

    def fit(self, stop_at: int | None = None) -> Evaluation:
        """Train from the last checkpoint to `config.steps` (or `stop_at`); leaves the EMA weights in the model."""
        step = self._restore()
        main = self.accelerator.is_main_process
        board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=step) if main else None
        started, first = time.perf_counter(), step
        last = min(stop_at or self.config.steps, self.config.steps)
        while step < last:
            loss = self._step(step)
            step += 1
            if board and (step % 20 == 0 or step == last):
                rate = (step - first) * self.config.batch / (time.perf_counter() - started)
                self._log(board, step, loss, rate)
            if board and step % self.config.sample_every == 0 and step < last:
                self._show(board, step)
            if step % self.config.checkpoint_every == 0 or step == last:
                self._save(step)
        self.ema.copy_to(self._bare().parameters())
        result = self.task.evaluate(self._bare(), self.config.seed) if main else Evaluation()
        if board:
            self._write(board, step, result)
            board.close()
        return result

    def _step(self, step: int) -> float:
        self.model.train()
        total = 0.0
        parts = self.config.accumulate
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        for part in range(parts):
            rngs = sample_generators(self.config, step, rank, world, part)
            last = part == parts - 1
            # Gradients are exchanged between workers once a step, with its last part.
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                with self.accelerator.autocast():
                    loss = self.task.loss(self.model, rngs) / parts
                self.accelerator.backward(loss)
            total += float(self.accelerator.reduce(loss.detach(), reduction="mean"))
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.ema.step(self._bare().parameters())
        return total

    def _log(self, board: SummaryWriter, step: int, loss: float, rate: float) -> None:
        board.add_scalar("loss", loss, step)
        board.add_scalar("learning_rate", self.schedule.get_last_lr()[0], step)
        board.add_scalar("samples_per_second", rate, step)
        if step % 100 == 0:
            at = f"{self.task.name} step {step}/{self.config.steps}"
            self.accelerator.print(f"{at} loss {loss:.4f} {rate:.1f} samples/s", flush=True)

    def _show(self, board: SummaryWriter, step: int) -> None:
        model = self._bare()
        self.ema.store(model.parameters())
        self.ema.copy_to(model.parameters())
        self._write(board, step, self.task.evaluate(model, self.config.seed))
        self.ema.restore(model.parameters())

    def _write(self, board: SummaryWriter, step: int, result: Evaluation) -> None:
        for name, value in result.figures.items():
            board.add_scalar(name, value, step)
        if result.grid is not None:
            board.add_image("samples", result.grid, step, dataformats="HW")
        figures = " ".join(f"{name} {value:.3f}" for name, value in result.figures.items())
        self.accelerator.print(f"{self.task.name} step {step}: {figures}", flush=True)

    def _save(self, step: int) -> None:
        if self.accelerator.is_main_process:
            self.checkpoints.save(
                step,
                {
                    "model": self._bare().state_dict(),
                    "ema": self.ema.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "schedule": self.schedule.state_dict(),
                },
            )
        self.accelerator.wait_for_everyone()

    def _restore(self) -> int:
        found = self.checkpoints.latest()
        if found is None:
            return 0
        step, state = found
        self._bare().load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        self.ema.to(self.accelerator.device)
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        return step
