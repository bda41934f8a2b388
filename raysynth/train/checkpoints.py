"""Training checkpoints: whole or absent, on a folder or in a bucket.

Which are kept: the newest `keep`, and the one with the lowest held-out loss.
"""

import io
from collections.abc import Callable
from typing import Any

import torch

from raysynth.base.disk import STORE_ERRORS, unwritable
from raysynth.base.objects import Objects

State = dict[str, Any]
History = list[tuple[int, float]]
"""Step and held-out loss of every evaluation so far."""


def best_step(history: History) -> int | None:
    """The step with the lowest held-out loss, the first of equals; None before the first evaluation."""
    return min(history, key=lambda entry: entry[1])[0] if history else None


class Checkpoints:
    """The checkpoints of one run, `checkpoints/step-<n>.pt` in `objects`; `say` gets a line for each damaged one."""

    def __init__(self, objects: Objects, keep: int, say: Callable[[str], None] = print) -> None:
        self.objects, self.keep, self.say = objects, keep, say

    def save(self, step: int, state: State, best: int | None = None) -> None:
        """Write one checkpoint atomically, then drop those that are neither among the newest nor of step `best`.

        Raises InputError when it cannot be written.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        try:
            self.objects.put(_key(step), buffer.getvalue())
            for old in self.steps()[: -self.keep]:
                if old != best:
                    self.objects.delete(_key(old))
        except STORE_ERRORS as error:
            raise unwritable(self.objects.uri, error) from error

    def load(self, step: int) -> State | None:
        """The state of one checkpoint; None, and a line, when it cannot be read."""
        try:
            return torch.load(io.BytesIO(self.objects.get(_key(step))), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises a different one for every place where a file can be cut
            reason = (str(error) or type(error).__name__).splitlines()[0]
            self.say(f"{self.objects.uri}/{_key(step)} is damaged and left out: {reason}")
            return None

    def latest(self) -> tuple[int, State] | None:
        """Step and state of the newest checkpoint that can be read, None where there is none.

        Removes newer ones that are damaged: they would count among the newest.
        """
        for step in reversed(self.steps()):
            state = self.load(step)
            if state is not None:
                return step, state
            self.objects.delete(_key(step))
        return None

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, in order."""
        names = (key.rpartition("/")[2] for key in self.objects.keys("checkpoints"))
        return [int(name[5:-3]) for name in names if name.startswith("step-") and name.endswith(".pt")]


def _key(step: int) -> str:
    return f"checkpoints/step-{step:08d}.pt"
