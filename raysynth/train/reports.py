"""What a command of training says at its end."""

from dataclasses import dataclass, field
from typing import Any

from raysynth.base.reports import Report
from raysynth.config.kinds import ModelName


@dataclass(frozen=True)
class ModelReport(Report):
    """How the training of one model ended.

    Attributes
    ----------
    model
        Which one.
    metrics
        Metrics of the averaged weights; empty when it failed.
    failed
        Why it failed; None: it did not.
    """

    model: ModelName
    metrics: dict[str, float] = field(default_factory=dict)
    failed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the metrics, or the reason under `failed`."""
        return dict(self.metrics) if self.failed is None else {"failed": self.failed}


@dataclass(frozen=True)
class TrainReport(Report):
    """How the trainings of one command ended.

    Attributes
    ----------
    models
        Report of each model, by its name.
    """

    models: dict[ModelName, ModelReport]

    @property
    def ok(self) -> bool:
        """True when none failed."""
        return all(report.failed is None for report in self.models.values())

    def to_json(self) -> dict[str, Any]:
        """Return model → its metrics, or its reason under `failed`."""
        return {name: report.to_json() for name, report in self.models.items()}
