"""What one step of a training changes: weights, their running average, the optimiser's state, the learning rate."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from raysynth.config import TrainConfig
from raysynth.train.checkpoints import TrainingState
from raysynth.train.optimizers import build_optimizer, cosine_with_warmup


class Optimisation:
    """A network in training, in this worker.

    accelerate brings the network to its device, exchanges gradients between workers and handles mixed precision.

    Parameters
    ----------
    model
        The network. Only parameters that require gradients are optimised and averaged.
    settings
        Settings of the training.
    device
        `auto` or `cpu`; with `auto` accelerate chooses.
    """

    def __init__(self, model: nn.Module, settings: TrainConfig, device: str) -> None:
        self.settings = settings
        self.accelerator = Accelerator(mixed_precision=settings.precision, cpu=device == "cpu")
        optimizer = build_optimizer(model.parameters(), settings)
        # Not handed to accelerate, which would move the schedule on once per worker at every step.
        self.rates = cosine_with_warmup(optimizer, settings.warmup, settings.steps)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.average = EMAModel(self._trained(), decay=settings.ema)
        self.average.to(self.accelerator.device)

    @property
    def network(self) -> nn.Module:
        """The network without what accelerate wraps it in."""
        network: nn.Module = self.accelerator.unwrap_model(self.model)
        return network

    @property
    def main(self) -> bool:
        """True in the first worker, which alone evaluates and writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def rank(self) -> int:
        """Number of this worker."""
        return int(self.accelerator.process_index)

    @property
    def world(self) -> int:
        """How many workers there are."""
        return int(self.accelerator.num_processes)

    def step(self, loss_of_part: Callable[[nn.Module], Tensor]) -> dict[str, float]:
        """Take one optimisation step.

        Parameters
        ----------
        loss_of_part
            Computes the mean loss on the next part of the batch; called `accumulate` times.

        Returns
        -------
        dict
            `loss` of the global batch, `gradient_norm` before clipping, and the `learning_rate` of this step.
        """
        self.model.train()
        total, parts = 0.0, self.settings.accumulate
        for part in range(parts):
            # Gradients are exchanged between workers once per step, with its last part.
            with contextlib.nullcontext() if part == parts - 1 else self.accelerator.no_sync(self.model):
                loss = loss_of_part(self.model) / parts
                self.accelerator.backward(loss)
            total += float(self.accelerator.reduce(loss.detach(), reduction="mean"))
        # By accelerate: it takes the scale of half precision off the gradients before it measures them.
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        # Read before the schedule moves on: it is the rate of this step.
        values = {"loss": total, "gradient_norm": float(norm), "learning_rate": float(self.rates.get_last_lr()[0])}
        self.optimizer.step()
        self.rates.step()
        self.optimizer.zero_grad()
        self.average.step(self._trained())
        return values

    @contextlib.contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """Have the averaged weights in the network while the block runs.

        Yields
        ------
        Module
            The network.
        """
        self.average.store(self._trained())
        self.average.copy_to(self._trained())
        yield self.network
        self.average.restore(self._trained())

    def use_average(self, state: TrainingState | None = None) -> None:
        """Leave averaged weights in the network.

        Parameters
        ----------
        state
            Of a checkpoint, whose averaged weights are taken; None: those of now.
        """
        if state is not None:
            self.average.load_state_dict(state["ema"])
            self.average.to(self.accelerator.device)
            # What is not a parameter (running statistics) belongs to that step too.
            self.network.load_state_dict(state["model"])
        self.average.copy_to(self._trained())

    def state(self) -> TrainingState:
        """Collect what a checkpoint holds of this.

        Returns
        -------
        TrainingState
            State dictionaries by their keys in a checkpoint.
        """
        # Of fp16 alone. Without it a resumed training would begin with the scale of step 0, and might skip steps.
        scaler = self.accelerator.scaler
        return {
            "model": self.network.state_dict(),
            "ema": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.rates.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
        }

    def load(self, state: TrainingState) -> None:
        """Resume from a checkpoint.

        Parameters
        ----------
        state
            What `state` gave, in this or an earlier version.
        """
        self.network.load_state_dict(state["model"])
        self.average.load_state_dict(state["ema"])
        self.average.to(self.accelerator.device)
        self.optimizer.load_state_dict(state["optimizer"])
        self.rates.load_state_dict(state["schedule"])
        if self.accelerator.scaler and state.get("scaler"):
            self.accelerator.scaler.load_state_dict(state["scaler"])

    def agreed(self, value: Any) -> Any:
        """Share the first worker's value.

        Parameters
        ----------
        value
            Of this worker.

        Returns
        -------
        Any
            The first worker's, on every worker.
        """
        return broadcast_object_list([value])[0] if self.world > 1 else value

    def wait_for_all(self) -> None:
        """Wait until every worker has come to this line."""
        self.accelerator.wait_for_everyone()

    def _trained(self) -> list[nn.Parameter]:
        """List what is optimised and averaged; what a Stable Diffusion start keeps as it came is neither."""
        return [p for p in self.network.parameters() if p.requires_grad]
