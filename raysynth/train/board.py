"""What a training shows while it runs: TensorBoard, and a line now and then."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from skimage.util import montage
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from raysynth.base.objects import Objects

Log = Callable[[str], None]
"""Takes one line for the user."""


def print_line(line: str) -> None:
    """Print one line at once.

    Parameters
    ----------
    line
        The line, without its end.
    """
    print(line, flush=True)


@dataclass(frozen=True)
class Evaluation:
    """How good the averaged weights are on data that the training does not see.

    Attributes
    ----------
    metrics
        Value of each metric. `held_out_loss` decides which checkpoint is the best and when to stop early: lower is
        better.
    grid
        A picture `(y, x)` in [0, 1] to look at; None: none.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    grid: Tensor | None = None


@dataclass
class Window:
    """The steps since the last printed line: what they cost.

    Attributes
    ----------
    images
        Samples of all workers.
    waited
        Seconds that this worker waited for data.
    started
        When the window began, on `time.perf_counter`.
    """

    images: int = 0
    waited: float = 0.0
    started: float = field(default_factory=lambda: time.perf_counter())

    def add(self, images: int, waited: float) -> None:
        """Count a step, or a part of one.

        Parameters
        ----------
        images
            Samples of all workers.
        waited
            Seconds that this worker waited for data.
        """
        self.images += images
        self.waited += waited

    def rates(self) -> dict[str, float]:
        """Tell how fast the training is.

        Returns
        -------
        dict
            `images_per_second`, and `data_wait`: the fraction of the time in which this worker waited for data.
        """
        seconds = time.perf_counter() - self.started
        return {"images_per_second": self.images / seconds, "data_wait": self.waited / seconds}


class Board:
    """TensorBoard's events, below `tensorboard/` in the storage, and lines for the user.

    Events go straight to a folder. For a bucket they are written to this machine and copied by `flush`.

    Parameters
    ----------
    objects
        Storage of the training.
    name
        Name of the task, at the start of every line.
    step
        Step at which the training starts or resumes; later events of an earlier run are hidden.
    log
        Takes the lines.
    """

    def __init__(self, objects: Objects, name: str, step: int, log: Log) -> None:
        self._objects, self._name, self._log = objects, name, log
        # TensorBoard's writer appends to its file, which objects of a bucket do not allow.
        self._local = None if objects.folder else tempfile.TemporaryDirectory(prefix="raysynth-")
        self._folder = Path(self._local.name) if self._local else Path(str(objects.folder), "tensorboard")
        # Steps past the checkpoint, logged by a run that broke off, are taken again: TensorBoard hides the old ones.
        self._writer = SummaryWriter(str(self._folder), purge_step=step)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Add values of one step.

        Parameters
        ----------
        step
            Number of the step.
        values
            Name → value.
        """
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def progress(self, step: int, steps: int, values: dict[str, float]) -> None:
        """Say how far the training is and how fast.

        Parameters
        ----------
        step, steps
            Steps done, and in all.
        values
            Loss, learning rate and gradient norm of the last step, and what `Window.rates` gives.
        """
        line = "loss {loss:.4f} rate {learning_rate:.2e} gradient {gradient_norm:.3f} {images_per_second:.1f} images/s"
        wait = f"data wait {values['data_wait']:.0%}"
        self._log(f"{self._name} step {step}/{steps} {line.format(**values)} {wait}")

    def evaluation(self, step: int, result: Evaluation) -> None:
        """Show how good the averaged weights are.

        Parameters
        ----------
        step
            The step that they are of.
        result
            Metrics and picture.
        """
        self.scalars(step, result.metrics)
        if result.grid is not None:
            self._writer.add_image("samples", result.grid, step, dataformats="HW")
        metrics = " ".join(f"{name} {value:.3f}" for name, value in result.metrics.items())
        self._log(f"{self._name} step {step}: {metrics}")

    def flush(self) -> None:
        """Make everything so far visible to TensorBoard."""
        self._writer.flush()
        if self._local:
            for path in self._folder.iterdir():
                self._objects.put(f"tensorboard/{path.name}", path.read_bytes())

    def close(self) -> None:
        """Flush, and remove what was on this machine alone."""
        self.flush()
        self._writer.close()
        if self._local:
            self._local.cleanup()


def picture_grid(images: Tensor, columns: int = 8) -> Tensor:
    """Put images side by side.

    Parameters
    ----------
    images
        `(n, y, x)`, on any device; n is a multiple of `columns`.
    columns
        Images in a row.

    Returns
    -------
    Tensor
        `(n / columns * y, columns * x)` in reading order, on the CPU.
    """
    grid = montage(images.cpu().numpy(), fill=0, grid_shape=(len(images) // columns, columns))
    return torch.from_numpy(grid)
