"""The one figure by which weights are compared during a training: loss on data that it does not see."""

from typing import NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from raysynth.models.diffusion import TIMESTEPS

SAMPLES = 64
CHUNK = 16


class Batch(NamedTuple):
    """Samples on the CPU (or where a task makes them): clean `(n, ...)`, noise, timesteps `(n,)` and conditions."""

    clean: Tensor
    noise: Tensor
    t: Tensor
    conditions: tuple[Tensor, ...] = ()

    def rows(self, start: int, stop: int) -> "Batch":
        """Some of the samples."""
        part = slice(start, stop)
        return Batch(self.clean[part], self.noise[part], self.t[part], tuple(x[part] for x in self.conditions))


B_contra = TypeVar("B_contra", contravariant=True)


class HasLoss(Protocol[B_contra]):
    """A task, as far as it is needed here."""

    def loss(self, model: nn.Module, batch: B_contra) -> Tensor: ...


def held_out_loss(task: HasLoss[Batch], model: nn.Module, batch: Batch) -> float:
    """Mean loss of `batch` with its timesteps spread evenly over the schedule; lower is better.

    Equal samples and noise at every call make the figures of one training comparable with one another.
    """
    n = len(batch.t)
    batch = batch._replace(t=((torch.arange(n) + 0.5) * TIMESTEPS / n).long().to(batch.t.device))
    model.eval()
    with torch.no_grad():
        chunks = [batch.rows(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
        return sum(float(task.loss(model, chunk)) * len(chunk.t) for chunk in chunks) / n
