"""Densely annotated synthetic fluorescence microscopy, 2D and 3D.

Every command of the command line is a function here (`raysynth train` is `fit`):

    config = raysynth.load("nuclei-2d")
    raysynth.prepare(config)
    raysynth.fit(config)
    raysynth.generate(config, out="out/nuclei.zarr", frames=1000)
    dataset = raysynth.open("out/nuclei.zarr")

Each name is read from its module when it is first used, so that `import raysynth` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import version

    from raysynth.actors.attempts import Exhausted
    from raysynth.actors.forecast import Forecast
    from raysynth.actors.repair import RepairReport
    from raysynth.actors.summary import RunSummary
    from raysynth.api import (
        evaluate_fidelity,
        evaluate_morphology,
        evaluate_seg,
        evaluate_table,
        export_cellpose,
        export_ctc,
        fetch,
        fit,
        forecast,
        generate,
        open,
        prepare,
        preview,
        read_ray,
        read_torch,
        repair,
        verify,
    )
    from raysynth.base.errors import InputError, RaysynthError, RunError, TrainingFailed
    from raysynth.base.progress import Progress
    from raysynth.base.reports import Report
    from raysynth.cascade.cascade import ShardFailure
    from raysynth.config import Config
    from raysynth.config.reading import load
    from raysynth.data.fetch import FetchReport
    from raysynth.experiment.result import TableResult
    from raysynth.export.preview import PreviewReport
    from raysynth.export.staging import ExportReport
    from raysynth.export.torch_dataset import TorchDataset
    from raysynth.measures.cell_metrics import MorphologyReport
    from raysynth.measures.fidelity_report import FidelityReport
    from raysynth.measures.seg import SegReport
    from raysynth.preparation.prepare_report import PrepareReport
    from raysynth.store.reader import Dataset
    from raysynth.store.verify import VerifyReport
    from raysynth.train.reports import ModelReport, TrainReport

    __version__ = version("raysynth")

__all__ = [
    "Config",
    "Dataset",
    "Exhausted",
    "ExportReport",
    "FetchReport",
    "FidelityReport",
    "Forecast",
    "InputError",
    "ModelReport",
    "MorphologyReport",
    "PrepareReport",
    "PreviewReport",
    "Progress",
    "RaysynthError",
    "RepairReport",
    "Report",
    "RunError",
    "RunSummary",
    "SegReport",
    "ShardFailure",
    "TableResult",
    "TorchDataset",
    "TrainReport",
    "TrainingFailed",
    "VerifyReport",
    "__version__",
    "evaluate_fidelity",
    "evaluate_morphology",
    "evaluate_seg",
    "evaluate_table",
    "export_cellpose",
    "export_ctc",
    "fetch",
    "fit",
    "forecast",
    "generate",
    "load",
    "open",
    "prepare",
    "preview",
    "read_ray",
    "read_torch",
    "repair",
    "verify",
]

_HOMES = {
    "Config": "config",
    "Dataset": "store.reader",
    "Exhausted": "actors.attempts",
    "ExportReport": "export.staging",
    "FetchReport": "data.fetch",
    "FidelityReport": "measures.fidelity_report",
    "Forecast": "actors.forecast",
    "InputError": "base.errors",
    "ModelReport": "train.reports",
    "MorphologyReport": "measures.cell_metrics",
    "PrepareReport": "preparation.prepare_report",
    "PreviewReport": "export.preview",
    "Progress": "base.progress",
    "RaysynthError": "base.errors",
    "RepairReport": "actors.repair",
    "Report": "base.reports",
    "RunError": "base.errors",
    "RunSummary": "actors.summary",
    "SegReport": "measures.seg",
    "ShardFailure": "cascade.cascade",
    "TableResult": "experiment.result",
    "TorchDataset": "export.torch_dataset",
    "TrainReport": "train.reports",
    "TrainingFailed": "base.errors",
    "VerifyReport": "store.verify",
    "load": "config.reading",
}
"""Module of every name that is not a function of `raysynth.api`."""


if not TYPE_CHECKING:  # whoever reads types knows every name already, and must object to others

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("raysynth")
        if name not in __all__:
            raise AttributeError(f"module 'raysynth' has no attribute {name!r}; it has {', '.join(__all__)}")
        return getattr(import_module(f"raysynth.{_HOMES.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
