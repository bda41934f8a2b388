"""The one training loop: every model supplies its data and its loss, everything else is here."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.base.progress import Progress, no_progress
from raysynth.config import TrainConfig
from raysynth.train.board import Board, Evaluation, Log, Window, print_line
from raysynth.train.checkpoints import Checkpoints, History, TrainingState, best_step
from raysynth.train.optimisation import Optimisation
from raysynth.train.prefetch import prefetched
from raysynth.train.task import Task, sample_generators


class Trainer:
    """Optimises one task, with averaged weights, a cosine schedule and exact resume.

    Parameters
    ----------
    task
        The model, its data and its loss.
    settings
        Settings of the training.
    storage
        Folder or s3:// address of the checkpoints and TensorBoard's events.
    device
        `auto` or `cpu`.
    log
        Takes lines for the user.
    progress
        Called at every printed line and evaluation, on every worker at the same steps.

    Raises
    ------
    InputError
        If the workers cannot share the batch evenly.
    """

    def __init__(
        self,
        task: Task,
        settings: TrainConfig,
        storage: str | Path,
        device: str = "auto",
        log: Log = print_line,
        progress: Progress = no_progress,
    ) -> None:
        torch.set_num_threads(settings.threads)
        self.task, self.settings, self.log, self.progress = task, settings, log, progress
        self.optimisation = Optimisation(task.model, settings, device)
        require_even(f"train.batch of {task.name}", settings, self.optimisation.world)
        self.objects = Objects(storage, create=True)
        self.checkpoints = Checkpoints(self.objects, settings.keep, log)
        self.history: History = []

    @property
    def stopped_early(self) -> bool:
        """True when the held-out loss has not fallen for `patience` evaluations."""
        best = best_step(self.history)
        if self.settings.patience is None or best is None:
            return False
        return sum(step > best for step, _ in self.history) >= self.settings.patience

    def fit(self, stop_at: int | None = None) -> Evaluation:
        """Train from the last checkpoint to the end, and leave the averaged weights in the model.

        They are those of the lowest held-out loss when the training stopped early.

        Parameters
        ----------
        stop_at
            Step to stop at before the end; None: the end.

        Returns
        -------
        Evaluation
            Of the resulting weights. Only the first worker's has metrics.

        Raises
        ------
        InputError
            If the checkpoint there belongs to another training.
        """
        step = self._resume()
        main = self.optimisation.main
        board = Board(self.objects, self.task.name, step, self.log) if main else None
        step = self._steps(board, step, min(stop_at or self.settings.steps, self.settings.steps))
        step = self._use_average(step)
        result = self.task.evaluate(self.optimisation.network, self.settings.seed) if main else Evaluation()
        if board:
            board.evaluation(step, result)
            board.close()
        return result

    def _steps(self, board: Board | None, step: int, last: int) -> int:
        """Take steps until `last` or an early stop; returns the steps done."""
        keys = ((at, part) for at in range(step, last) for part in range(self.settings.accumulate))
        window = Window()
        # Closed here, since an early stop leaves the generator, and its thread, before its end.
        with contextlib.closing(prefetched(self._batch, keys)) as batches:
            while step < last and not self.stopped_early:
                values = self._step(batches, window)
                step += 1
                if board:
                    board.scalars(step, values)
                if step % self.settings.log_every == 0 or step == last:
                    self._show(board, step, values | window.rates())
                    window = Window()
                # Before saving: a checkpoint then holds the loss that may make it the best. The last step is for `fit`.
                if step % self.settings.sample_every == 0 and step < last:
                    self._evaluate(board, step)
                if self._due(step, last):
                    self._save(board, step)
        return step

    def _batch(self, key: tuple[int, int]) -> Any:
        step, part = key
        world = self.optimisation.world
        return self.task.batch(sample_generators(self.settings, step, self.optimisation.rank, world, part))

    def _step(self, batches: Iterator[tuple[Any, float]], window: Window) -> dict[str, float]:
        def loss_of_part(model: nn.Module) -> Tensor:
            batch, waited = next(batches)
            # Images of all workers together, as `batch` counts them.
            window.add(self.settings.batch // self.settings.accumulate, waited)
            with self.optimisation.accelerator.autocast():
                return self.task.loss(model, batch)

        return self.optimisation.step(loss_of_part)

    def _show(self, board: Board | None, step: int, values: dict[str, float]) -> None:
        if board:
            board.scalars(step, {name: values[name] for name in ("images_per_second", "data_wait")})
            board.progress(step, self.settings.steps, values)
        self.progress(step, self.settings.steps)

    def _evaluate(self, board: Board | None, step: int) -> None:
        """Measure the averaged weights. Every worker learns the held-out loss, so that all stop at one step."""
        metrics: dict[str, float] = {}
        if board:
            with self.optimisation.averaged() as network:
                result = self.task.evaluate(network, self.settings.seed)
            board.evaluation(step, result)
            metrics = result.metrics
        metrics = self.optimisation.agreed(metrics)
        if "held_out_loss" in metrics:
            self.history.append((step, metrics["held_out_loss"]))
        self.progress(step, self.settings.steps)

    def _due(self, step: int, last: int) -> bool:
        """Tell whether to keep this step: the interval's end, the training's end, or the best weights so far."""
        best = best_step(self.history) == step
        return step % self.settings.checkpoint_every == 0 or step == last or best or self.stopped_early

    def _save(self, board: Board | None, step: int) -> None:
        if board:
            state = self.optimisation.state() | {"history": self.history, "steps": self.settings.steps}
            self.checkpoints.save(step, state, best_step(self.history))
            board.flush()
        # The others wait: after an early stop they read this checkpoint from the storage.
        self.optimisation.wait_for_all()

    def _resume(self) -> int:
        """Resume from the newest checkpoint that can be read; every worker takes the one that the first one found."""
        found = self.checkpoints.latest() if self.optimisation.main else None
        step = int(self.optimisation.agreed(found[0] if found else 0))
        if step == 0:
            return 0
        # The first worker has opened it already, when it looked for one that can be read.
        state = found[1] if found else self.checkpoints.load(step)
        if state is None:
            raise InputError(f"{self.objects.uri} is not read alike by all workers: storage must be shared by them")
        self._refuse_other(state)
        self.optimisation.load(state)
        self.history = [tuple(entry) for entry in state.get("history", [])]
        return step

    def _refuse_other(self, state: TrainingState) -> None:
        """Refuse checkpoints of another network or length: their weights or learning rates would be of no use."""
        # Checkpoints of early versions do not say their length: it is taken to fit.
        steps = state.get("steps", self.settings.steps)
        wrong = None
        if _shapes(state["model"]) != _shapes(self.optimisation.network.state_dict()):
            wrong = "a network of another shape than the settings describe"
        elif steps != self.settings.steps:
            wrong = (
                f"a training of {steps} steps where the settings say {self.settings.steps} (its learning rates differ)"
            )
        if wrong:
            raise InputError(
                f"the checkpoints of {self.task.name} in {self.objects.uri} are of {wrong}: set it back, or move that "
                "folder away (or name another storage) to train anew"
            )

    def _use_average(self, step: int) -> int:
        """Put the resulting weights into the model; returns their step, the best one after an early stop."""
        best = best_step(self.history)
        if not self.stopped_early or best is None:
            self.optimisation.use_average()
            return step
        # If it cannot be read, the last average stays, which is that of `step`.
        state = self.checkpoints.load(best)
        self.optimisation.use_average(state)
        if self.optimisation.main:
            self.log(f"{self.task.name} stopped early: the held-out loss was lowest at step {best}")
        return step if state is None else best


def require_even(setting: str, settings: TrainConfig, workers: int) -> None:
    """Refuse a batch that workers cannot share evenly.

    Parameters
    ----------
    setting
        What the batch is called in the message.
    settings
        Settings of the training: batch and `accumulate`.
    workers
        How many share it.

    Raises
    ------
    InputError
        If it is no multiple of workers x parts.
    """
    if settings.batch % (workers * settings.accumulate):
        raise InputError(
            f"{setting} is {settings.batch}, which {workers} workers x {settings.accumulate} parts (accumulate) cannot "
            "share evenly: choose a multiple"
        )


def _shapes(weights: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}
