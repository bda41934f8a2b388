"""The shared training loop under Ray Train: many workers, restarts after failures, the same checkpoints.

Every worker runs `raysynth.train.run.fit`: accelerate joins the process group that Ray Train has set up, and the loop
goes on from the newest checkpoint in the workspace, a folder that every worker must see.
"""

from pathlib import Path

import ray
import ray.train
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.train.v2.api.exceptions import WorkerGroupError

from raysynth.config import Config, TrainConfig
from raysynth.errors import InputError
from raysynth.train.run import Model, fit

FAILURES = 3


def fit_on_ray(config: Config, model: Model, workers: int) -> dict[str, float]:
    """Train one model with `workers` processes of the running Ray cluster, on GPUs where it has one for each.

    Returns the final figures. Raises InputError for settings or data that cannot be trained on.
    """
    settings: TrainConfig = getattr(config, model).train
    if settings.batch % (workers * settings.accumulate):
        raise InputError(
            f"{model}.train.batch is {settings.batch}, which {workers} workers x {settings.accumulate} parts "
            "(accumulate) cannot share evenly: choose a multiple"
        )
    workspace = Path(config.workspace).absolute()
    config = config.model_copy(update={"workspace": str(workspace)})
    gpus = config.runtime.device != "cpu" and ray.cluster_resources().get("GPU", 0) >= workers
    trainer = TorchTrainer(
        _worker,
        train_loop_config={"config": config, "model": model},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus),
        run_config=RunConfig(
            storage_path=str(workspace / config.name / "training" / model / "ray"),
            failure_config=FailureConfig(max_failures=FAILURES),
        ),
    )
    try:
        return dict(trainer.fit().metrics or {})
    except WorkerGroupError as error:
        for cause in error.worker_failures.values():
            if isinstance(cause, InputError):
                raise cause from None
        raise


def _worker(arguments: dict[str, object]) -> None:
    figures = fit(arguments["config"], arguments["model"])  # type: ignore[arg-type]
    ray.train.report(figures)
