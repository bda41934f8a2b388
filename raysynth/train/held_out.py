"""The one number by which weights are compared during a training: their loss on data that it does not see."""

from typing import Protocol

import torch
from torch import Tensor, nn

from raysynth.models.diffusion import TIMESTEPS
from raysynth.train.task import SampleBatch

HELD_OUT_SAMPLES = 64
"""Samples that the loss is the mean over, unless making them is costly."""

CHUNK = 16
"""Samples computed at once."""


class DiffusionLoss(Protocol):
    """A task, as far as it is needed here."""

    def loss(self, model: nn.Module, batch: SampleBatch) -> Tensor:
        """Compute the mean loss; see `Task`."""


def held_out_loss(task: DiffusionLoss, model: nn.Module, batch: SampleBatch) -> float:
    """Compute the mean loss with timesteps spread evenly over the schedule.

    Equal samples and noise at every call make the losses of one training comparable with one another.

    Parameters
    ----------
    task
        Whose loss it is.
    model
        The network.
    batch
        Held-out samples; their timesteps are replaced.

    Returns
    -------
    float
        The loss; lower is better.
    """
    n = len(batch.t)
    # The loss varies strongly with t: even spacing weighs the whole schedule alike with few samples.
    batch = batch._replace(t=((torch.arange(n) + 0.5) * TIMESTEPS / n).long().to(batch.t.device))
    model.eval()
    with torch.no_grad():
        chunks = [batch.rows(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
        # Weighted by its length, since the last chunk may be shorter.
        return sum(float(task.loss(model, chunk)) * len(chunk.t) for chunk in chunks) / n
