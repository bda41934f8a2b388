"""The shared training loop under Ray Train: many workers, restarts after failures, the same checkpoints.

Every worker runs `raysynth.train.run.fit`: accelerate joins the process group that Ray Train has set up, and the loop
goes on from the newest checkpoint in the workspace, a folder that every worker must see.
"""

from pathlib import Path
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config, TrainConfig
from raysynth.errors import InputError
from raysynth.train.crops import load_crops
from raysynth.train.run import Model, bundle_folder, fit

FAILURES = 3


def fit_on_ray(config: Config, model: Model, workers: int) -> dict[str, float]:
    """Train one model with `workers` processes of the running Ray cluster, on GPUs where it has one for each.

    Returns the final figures. Raises InputError for settings that do not fit and when `prepare` has not been run.
    """
    settings: TrainConfig = getattr(config, model).train
    if settings.batch % (workers * settings.accumulate):
        raise InputError(
            f"{model}.train.batch is {settings.batch}, which {workers} workers x {settings.accumulate} parts "
            "(accumulate) cannot share evenly: choose a multiple"
        )
    load_crops(config, "train")
    workspace = Path(config.workspace).absolute()  # workers have folders of their own
    gpus = config.runtime.device != "cpu" and ray.cluster_resources().get("GPU", 0) >= workers
    trainer = TorchTrainer(
        _worker,
        train_loop_config={"config": config.model_copy(update={"workspace": str(workspace)}), "model": model},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus),
        run_config=RunConfig(
            storage_path=str(workspace / config.name / "training" / model / "ray"),
            failure_config=FailureConfig(max_failures=FAILURES),
        ),
    )
    trainer.fit()
    return open_bundle(str(bundle_folder(config))).info.figures[model]


def _worker(arguments: dict[str, Any]) -> None:
    fit(arguments["config"], arguments["model"])
