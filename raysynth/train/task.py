"""What a model supplies to the training loop: its network, its samples, its loss, its metrics.

Timestep, noise, augmentation and the choice of samples depend on (seed, step, global sample index), never on the rank
or on what ran before. So a resumed run needs no state of the data, and any number of workers sees the same batch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.seeds import Stage, generator
from raysynth.config import TrainConfig
from raysynth.train.board import Evaluation


class SampleBatch(NamedTuple):
    """Training samples of a diffusion, on the CPU or where a task makes them.

    Attributes
    ----------
    clean
        What is denoised, `(n, ...)`.
    noise
        Standard normal noise of the same shape, or of the encoded images' shape.
    t
        Timesteps `(n,)`.
    conditions
        What the network is conditioned on, each `(n, ...)`.
    """

    clean: Tensor
    noise: Tensor
    t: Tensor
    conditions: tuple[Tensor, ...] = ()

    def rows(self, start: int, stop: int) -> "SampleBatch":
        """Take some of the samples.

        Parameters
        ----------
        start, stop
            First sample, and one past the last.

        Returns
        -------
        SampleBatch
            Those samples.
        """
        part = slice(start, stop)
        return SampleBatch(self.clean[part], self.noise[part], self.t[part], tuple(x[part] for x in self.conditions))


class Task(Protocol):
    """What the training loop asks of a model.

    Attributes
    ----------
    name
        Its name, for messages.
    model
        The network that is trained.
    """

    name: str
    model: nn.Module

    def batch(self, rngs: Sequence[Generator]) -> Any:
        """Make training samples. Runs in a thread of its own.

        Parameters
        ----------
        rngs
            One generator per sample, which decides all of that sample's randomness.

        Returns
        -------
        Any
            What `loss` takes.
        """

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Compute the mean loss. Draws nothing at random.

        Parameters
        ----------
        model
            The network, on the device where it is trained.
        batch
            What `batch` made.

        Returns
        -------
        Tensor
            A scalar.
        """

    def evaluate(self, model: nn.Module, seed: int) -> Evaluation:
        """Measure a network on held-out data.

        Parameters
        ----------
        model
            The network with its averaged weights.
        seed
            Random seed: the same data and noise at every call with the same seed.

        Returns
        -------
        Evaluation
            Metrics, `held_out_loss` among them, and a picture.
        """


class ModelTask(Task, Protocol):
    """A task whose model becomes part of a bundle."""

    def save(self, folder: Path) -> None:
        """Write the model as a bundle holds it.

        Parameters
        ----------
        folder
            An empty folder.
        """


def sample_generators(config: TrainConfig, step: int, rank: int, world: int, part: int) -> list[Generator]:
    """Make the generators of one worker's samples in one part of a step's global batch.

    Parameters
    ----------
    config
        Settings of the training: batch, parts (`accumulate`) and random seed.
    step
        Steps done before.
    rank, world
        Number of this worker, and how many there are.
    part
        Number of the part.

    Returns
    -------
    list of Generator
        One per sample.
    """
    count = config.batch // (world * config.accumulate)
    # Parts outermost, then workers: all parts of all workers cover the indices 0 to batch - 1, each once.
    first = (part * world + rank) * count
    return [generator(config.seed, step, Stage.TRAINING, first + i) for i in range(count)]
