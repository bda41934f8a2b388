"""One model's training: all that a process must know to do it, but for the prepared data."""

from dataclasses import dataclass
from typing import Any

from raysynth.base.errors import InputError
from raysynth.config import Config, TrainConfig
from raysynth.config.kinds import KINDS, ModelKind, ModelName
from raysynth.config.places import Places
from raysynth.preparation.prepared import Prepared
from raysynth.train.start import anchored, with_structure
from raysynth.train.task import ModelTask


@dataclass(frozen=True)
class TrainingJob:
    """The training of one model. Workers on other machines are sent it as it is.

    Attributes
    ----------
    name
        The model.
    settings
        Its group of settings, with the structure of the weights that it starts from.
    storage
        Absolute folder or s3:// address of its checkpoints and result.
    device
        `auto`, `cpu` or `cuda`.
    task_takes
        What its task takes beside the prepared data and the group of settings, by keyword.
    """

    name: ModelName
    settings: Any
    storage: str
    device: str
    task_takes: dict[str, Any]

    @classmethod
    def of(cls, config: Config, name: ModelName, places: Places) -> "TrainingJob":
        """Take a job from the settings.

        Parameters
        ----------
        config
            All settings.
        name
            Which model.
        places
            The folders of the config.

        Returns
        -------
        TrainingJob
            The job.

        Raises
        ------
        InputError
            If the data have no use for the model, or if what it starts from is not there.
        """
        kind, dimensions = KINDS[name], config.data.dimensions
        if dimensions not in kind.dimensions:
            raise InputError(f"{config.name} is {dimensions}D: it has no {name} model to train")
        settings = anchored(with_structure(kind, kind.settings(config)))
        storage = places.training(name)
        return cls(name, settings, storage, config.runtime.device, kind.task_takes(config, storage))

    @property
    def kind(self) -> ModelKind:
        """What the package knows of this kind of model."""
        return KINDS[self.name]

    @property
    def training(self) -> TrainConfig:
        """Settings of the optimisation."""
        training: TrainConfig = self.settings.train
        return training

    def task(self, prepared: Prepared) -> ModelTask:
        """Make the task: network, data and loss.

        Parameters
        ----------
        prepared
            What `prepare` made.

        Returns
        -------
        ModelTask
            The task. A network from scratch takes its weights from torch's global generator.
        """
        task: ModelTask = self.kind.task_class()(prepared, self.settings, **self.task_takes)
        return task
