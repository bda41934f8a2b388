"""Training checkpoints: whole or absent, on a folder or in a bucket.

Which are kept: the newest few, and the one with the lowest held-out loss.
"""

import io
from typing import Any

import torch

from raysynth.base.disk import STORE_ERRORS, unwritable
from raysynth.base.errors import first_line
from raysynth.base.objects import Objects
from raysynth.train.board import Log, print_line

TrainingState = dict[str, Any]
"""All that a training needs to resume, as `Trainer` saves it."""

History = list[tuple[int, float]]
"""Step and held-out loss of every evaluation so far."""

_RENAMED = {"first_stage.": "codec."}
"""Beginnings of weights' names in checkpoints of earlier versions, and what they are called now."""


def best_step(history: History) -> int | None:
    """Find the evaluation with the lowest held-out loss.

    Parameters
    ----------
    history
        Evaluations so far.

    Returns
    -------
    int or None
        Its step, the first of equals; None before the first evaluation.
    """
    return min(history, key=lambda entry: entry[1])[0] if history else None


class Checkpoints:
    """The checkpoints of one training, `checkpoints/step-<n>.pt` in its storage.

    Parameters
    ----------
    objects
        Storage of the training.
    keep
        Newest checkpoints that are kept.
    log
        Takes a line for each damaged one.
    """

    def __init__(self, objects: Objects, keep: int, log: Log = print_line) -> None:
        self.objects, self.keep, self.log = objects, keep, log

    def save(self, step: int, state: TrainingState, best: int | None = None) -> None:
        """Write one checkpoint, whole or not at all. Drop those that are neither among the newest nor the best.

        Parameters
        ----------
        step
            Steps done.
        state
            What is saved.
        best
            Step of the lowest held-out loss so far.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        # Made in memory, since the storage takes whole objects.
        buffer = io.BytesIO()
        torch.save(state, buffer)
        try:
            self.objects.put(_key(step), buffer.getvalue())
            # After the new one is whole: whatever kills the process here, at least one checkpoint is left.
            for old in self.steps()[: -self.keep]:
                if old != best:
                    self.objects.delete(_key(old))
        except STORE_ERRORS as error:
            raise unwritable(self.objects.uri, error) from error

    def load(self, step: int) -> TrainingState | None:
        """Read one checkpoint.

        Parameters
        ----------
        step
            Its step.

        Returns
        -------
        TrainingState or None
            What was saved, on the CPU; None, and a line, when it cannot be read.
        """
        try:
            content = io.BytesIO(self.objects.get(_key(step)))
            # `weights_only`: a checkpoint in a shared storage shall not be able to run code here.
            return _renamed(torch.load(content, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises a different one for every place where a file can be cut
            self.log(f"{self.objects.uri}/{_key(step)} is damaged and left out: {first_line(error)}")
            return None

    def latest(self) -> tuple[int, TrainingState] | None:
        """Read the newest checkpoint that can be read. Remove newer ones: they would count among the newest.

        Returns
        -------
        tuple of int and TrainingState, or None
            Its step and state; None where there is none.
        """
        for step in reversed(self.steps()):
            state = self.load(step)
            if state is not None:
                return step, state
            self.objects.delete(_key(step))
        return None

    def steps(self) -> list[int]:
        """List the steps that have a checkpoint.

        Returns
        -------
        list of int
            The steps, ascending.
        """
        names = (key.rpartition("/")[2] for key in self.objects.keys("checkpoints"))
        return [int(name[5:-3]) for name in names if name.startswith("step-") and name.endswith(".pt")]


def _renamed(state: TrainingState) -> TrainingState:
    """Call the weights in a checkpoint of an earlier version what they are called now."""
    if isinstance(weights := state.get("model"), dict):
        state["model"] = {_new_name(name): weight for name, weight in weights.items()}
    return state


def _new_name(name: str) -> str:
    for old, new in _RENAMED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def _key(step: int) -> str:
    # Eight digits: keys come sorted by name, which is then the order of the steps.
    return f"checkpoints/step-{step:08d}.pt"
