"""The one training loop: every model supplies its data and its loss, everything else is here.

Timestep, noise, augmentation and the choice of samples depend on (seed, step, global sample index), never on the rank
or on what ran before, so a resumed run needs no data state and any number of workers sees the same global batch.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.base.seeds import Stage, generator
from raysynth.config import TrainConfig
from raysynth.train.board import Board, Evaluation, Say, Window, say
from raysynth.train.checkpoints import Checkpoints, History, State, best_step
from raysynth.train.optimizers import build_optimizer
from raysynth.train.prefetch import prefetched

Report = Callable[[dict[str, Any]], None]


class Task(Protocol):
    """What a model's module supplies: the network, its samples, its loss on them, its figures."""

    name: str
    model: nn.Module

    def batch(self, rngs: Sequence[Generator]) -> Any:
        """One sample for each generator, which decides all of that sample's randomness. Runs in a thread of its own."""

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean loss of what `batch` made, on the model's device. Draws nothing at random."""

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Figures on held-out data, the same data and noise at every call with the same seed."""


def sample_generators(config: TrainConfig, step: int, rank: int, world: int, part: int) -> list[Generator]:
    """Generators of this rank's samples in one accumulation part of the step's global batch."""
    share = config.batch // (world * config.accumulate)
    first = (part * world + rank) * share
    return [generator(config.seed, step, Stage.TRAINING, first + i) for i in range(share)]


class Trainer:
    """Optimises one task: accelerate for precision and workers, EMA, cosine schedule, exact resume.

    place: folder or s3:// address of the checkpoints and TensorBoard's events.
    report: gets the figures of every printed line and evaluation, on every worker at the same steps.
    Raises InputError when the batch cannot be shared out.
    """

    def __init__(
        self,
        task: Task,
        config: TrainConfig,
        place: str | Path,
        device: str = "auto",
        say: Say = say,
        report: Report = lambda figures: None,
    ) -> None:
        torch.set_num_threads(config.threads)
        self.task, self.config, self.say, self.report = task, config, say, report
        self.accelerator = Accelerator(mixed_precision=config.precision, cpu=device == "cpu")
        world = self.accelerator.num_processes
        if config.batch % (world * config.accumulate):
            raise InputError(
                f"train.batch of {task.name} is {config.batch}, which {world} workers x {config.accumulate} parts "
                "(accumulate) cannot share evenly: choose a multiple"
            )
        optimizer = build_optimizer(task.model.parameters(), config)
        self.schedule = get_cosine_schedule_with_warmup(optimizer, config.warmup, config.steps)
        self.model, self.optimizer = self.accelerator.prepare(task.model, optimizer)
        self.ema = EMAModel(self._trained(), decay=config.ema)
        self.ema.to(self.accelerator.device)
        self.objects = Objects(str(place), create=True)
        self.checkpoints = Checkpoints(self.objects, config.keep, say)
        self.history: History = []

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out loss has not fallen for `patience` evaluations."""
        best = best_step(self.history)
        if self.config.patience is None or best is None:
            return False
        return sum(step > best for step, _ in self.history) >= self.config.patience

    def fit(self, stop_at: int | None = None) -> Evaluation:
        """Train from the last checkpoint to `config.steps` (or `stop_at`); leaves the EMA weights in the model.

        Those of the lowest held-out loss when it stopped early. Raises InputError when the checkpoint there belongs to
        another training. Only the first worker's result has figures.
        """
        step = self._restore()
        main = self.accelerator.is_main_process
        board = Board(self.objects, self.task.name, step, self.say) if main else None
        last = min(stop_at or self.config.steps, self.config.steps)
        keys = ((at, part) for at in range(step, last) for part in range(self.config.accumulate))
        window = Window()
        with contextlib.closing(prefetched(self._batch, keys)) as batches:
            while step < last and not self.stopped_early:
                figures = self._step(batches, window)
                step += 1
                if board:
                    board.scalars(step, figures)
                if step % self.config.log_every == 0 or step == last:
                    self._log(board, step, figures | window.figures())
                    window = Window()
                if step % self.config.sample_every == 0 and step < last:
                    self._evaluate(board, step)
                if self._due(step, last):
                    self._save(board, step)
        step = self._use_averaged(step)
        result = self.task.evaluate(self._bare(), self.config.seed) if main else Evaluation()
        if board:
            board.evaluation(step, result)
            board.close()
        return result

    def _bare(self) -> nn.Module:
        return self.accelerator.unwrap_model(self.model)

    def _trained(self) -> list[nn.Parameter]:
        """What is optimised and averaged; what a Stable Diffusion start keeps as it came is neither."""
        return [p for p in self._bare().parameters() if p.requires_grad]

    def _batch(self, key: tuple[int, int]) -> Any:
        step, part = key
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        return self.task.batch(sample_generators(self.config, step, rank, world, part))

    def _step(self, batches: Iterator[tuple[Any, float]], window: Window) -> dict[str, float]:
        self.model.train()
        total, parts = 0.0, self.config.accumulate
        for part in range(parts):
            batch, waited = next(batches)
            # Gradients are exchanged between workers once a step, with its last part.
            with contextlib.nullcontext() if part == parts - 1 else self.accelerator.no_sync(self.model):
                with self.accelerator.autocast():
                    loss = self.task.loss(self.model, batch) / parts
                self.accelerator.backward(loss)
            total += float(self.accelerator.reduce(loss.detach(), reduction="mean"))
            window.add(self.config.batch // parts, waited)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        figures = {"loss": total, "gradient_norm": float(norm), "learning_rate": self.schedule.get_last_lr()[0]}
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.ema.step(self._trained())
        return figures

    def _log(self, board: Board | None, step: int, figures: dict[str, float]) -> None:
        if board:
            board.scalars(step, {name: figures[name] for name in ("images_per_second", "data_wait")})
            board.progress(step, self.config.steps, figures)
        self.report({"step": step} | figures)

    def _evaluate(self, board: Board | None, step: int) -> None:
        """Figures of the averaged weights; every worker learns the held-out loss, so that all stop at one step."""
        figures: dict[str, float] = {}
        if board:
            model = self._bare()
            self.ema.store(self._trained())
            self.ema.copy_to(self._trained())
            result = self.task.evaluate(model, self.config.seed)
            self.ema.restore(self._trained())
            board.evaluation(step, result)
            figures = result.figures
        figures = self._agreed(figures)
        if "held_out_loss" in figures:
            self.history.append((step, figures["held_out_loss"]))
        self.report({"step": step} | figures)

    def _agreed(self, value: Any) -> Any:
        """The first worker's value, on every worker."""
        return broadcast_object_list([value])[0] if self.accelerator.num_processes > 1 else value

    def _due(self, step: int, last: int) -> bool:
        """Whether to keep this step: the interval's end, the training's end, or the best weights so far."""
        best = best_step(self.history) == step
        return step % self.config.checkpoint_every == 0 or step == last or best or self.stopped_early

    def _save(self, board: Board | None, step: int) -> None:
        if board:
            self.checkpoints.save(step, self._state(), best_step(self.history))
            board.flush()
        self.accelerator.wait_for_everyone()

    def _state(self) -> State:
        scaler = self.accelerator.scaler
        return {
            "model": self._bare().state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "history": self.history,
            "steps": self.config.steps,
        }

    def _restore(self) -> int:
        """Go on from the newest checkpoint that can be read; every worker takes the one that the first one found."""
        found = self.checkpoints.latest() if self.accelerator.is_main_process else None
        step = self._agreed(found[0] if found else 0)
        if step == 0:
            return 0
        state = found[1] if found else self.checkpoints.load(step)
        if state is None:
            raise InputError(f"{self.objects.uri} is not read alike by all workers: storage must be shared by them")
        self._refuse_other(state)
        self._bare().load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        self.ema.to(self.accelerator.device)
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.accelerator.scaler and state.get("scaler"):
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.history = [tuple(entry) for entry in state.get("history", [])]
        return int(step)

    def _refuse_other(self, state: State) -> None:
        """Checkpoints of another network or another length: their weights or learning rates would be of no use."""
        found, steps = shapes(state["model"]), state.get("steps", self.config.steps)
        wrong = None
        if found != shapes(self._bare().state_dict()):
            wrong = "a network of another shape than the settings describe"
        elif steps != self.config.steps:
            wrong = (
                f"a training of {steps} steps where the settings say {self.config.steps} (its learning rates differ)"
            )
        if wrong:
            raise InputError(
                f"the checkpoints of {self.task.name} in {self.objects.uri} are of {wrong}: set it back, or move that "
                "folder away (or name another storage) to train anew"
            )

    def _use_averaged(self, step: int) -> int:
        """Put the resulting weights into the model: the averaged ones, of the best step after an early stop."""
        best = best_step(self.history)
        if self.stopped_early and best is not None:
            state = self.checkpoints.load(best)
            if state is not None:
                self.ema.load_state_dict(state["ema"])
                self.ema.to(self.accelerator.device)
                # What is not a parameter (running statistics) belongs to that step too.
                self._bare().load_state_dict(state["model"])
                step = best
            if self.accelerator.is_main_process:
                self.say(f"{self.task.name} stopped early: the held-out loss was lowest at step {best}")
        self.ema.copy_to(self._trained())
        return step


def shapes(weights: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a network."""
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}
