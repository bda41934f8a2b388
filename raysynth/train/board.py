"""What a training shows while it runs: TensorBoard, and a line now and then."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from raysynth.base.objects import Objects

Say = Callable[[str], None]


def say(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


@dataclass(frozen=True)
class Evaluation:
    """Figures of the averaged weights, and a picture `(y, x)` in [0, 1] to look at.

    `figures["held_out_loss"]` decides which checkpoint is the best and when to stop early: lower is better.
    """

    figures: dict[str, float] = field(default_factory=dict)
    grid: Tensor | None = None


@dataclass
class Window:
    """The steps since the last printed line: what they cost."""

    images: int = 0
    waited: float = 0.0
    started: float = field(default_factory=lambda: time.perf_counter())

    def add(self, images: int, waited: float) -> None:
        """Count one step: images of all workers, seconds this worker waited for data."""
        self.images += images
        self.waited += waited

    def figures(self) -> dict[str, float]:
        """Images a second, and the share of the time in which this worker waited for data."""
        seconds = time.perf_counter() - self.started
        return {"images_per_second": self.images / seconds, "data_wait": self.waited / seconds}


class Board:
    """TensorBoard's events, in `objects` under `tensorboard/`, and lines through `say`.

    Events go straight to a folder; for a bucket they are written to this machine and put there by `flush`.
    """

    def __init__(self, objects: Objects, name: str, step: int, say: Say) -> None:
        self._objects, self._name, self._say = objects, name, say
        self._local = None if objects.folder else tempfile.TemporaryDirectory(prefix="raysynth-")
        self._folder = Path(self._local.name) if self._local else Path(str(objects.folder), "tensorboard")
        self._writer = SummaryWriter(str(self._folder), purge_step=step)

    def scalars(self, step: int, figures: dict[str, float]) -> None:
        """Add figures of one step."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def progress(self, step: int, steps: int, figures: dict[str, float]) -> None:
        """Say how far the training is and how fast; `figures` as `Window` and the loop give them."""
        line = "loss {loss:.4f} rate {learning_rate:.2e} gradient {gradient_norm:.3f} {images_per_second:.1f} images/s"
        wait = f"data wait {figures['data_wait']:.0%}"
        self._say(f"{self._name} step {step}/{steps} {line.format(**figures)} {wait}")

    def evaluation(self, step: int, result: Evaluation) -> None:
        """Add and say the figures of the averaged weights, and show their picture."""
        self.scalars(step, result.figures)
        if result.grid is not None:
            self._writer.add_image("samples", result.grid, step, dataformats="HW")
        figures = " ".join(f"{name} {value:.3f}" for name, value in result.figures.items())
        self._say(f"{self._name} step {step}: {figures}")

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
