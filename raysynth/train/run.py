"""The training of one model, and its way into the bundle."""

import threading
from pathlib import Path

import torch

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.base.progress import Progress, no_progress
from raysynth.cascade.bundle import save_info, save_part
from raysynth.cascade.bundle_info import BUNDLE_FILE, BundleInfo, read_info
from raysynth.config import Config
from raysynth.preparation.mask_limits import MaskLimits
from raysynth.preparation.prepared import Prepared
from raysynth.train.board import Log, print_line
from raysynth.train.job import TrainingJob
from raysynth.train.loop import Trainer
from raysynth.train.published import publish_result, published_metrics, take_result

_BUNDLE = threading.Lock()  # models that were trained side by side share the bundle's description


def train_model(
    job: TrainingJob, prepared: Prepared, bundle: Path, info: BundleInfo, stop_at: int | None = None
) -> dict[str, float]:
    """Train one model in this process from its last checkpoint; put it into the bundle when it has come to its end.

    Parameters
    ----------
    job
        The training.
    prepared
        What `prepare` made.
    bundle
        Folder of the bundle.
    info
        Description of a bundle of these data, without models.
    stop_at
        Step to stop at before the end; None: the end.

    Returns
    -------
    dict
        Metrics of the averaged weights.
    """
    metrics = optimise(job, prepared, stop_at)
    if stop_at is not None and stop_at < job.training.steps:
        return metrics
    return into_bundle(job, bundle, info)


def optimise(
    job: TrainingJob,
    prepared: Prepared,
    stop_at: int | None = None,
    log: Log = print_line,
    progress: Progress = no_progress,
) -> dict[str, float]:
    """Train one model as one of any number of workers. The first one leaves the result in the storage.

    Parameters
    ----------
    job
        The training.
    prepared
        What `prepare` made.
    stop_at
        Step to stop at before the end; None: the end.
    log
        Takes lines for the user.
    progress
        Called on every worker at the same steps.

    Returns
    -------
    dict
        Metrics of the averaged weights; empty on all workers but the first.
    """
    torch.manual_seed(job.training.seed)  # for the initial weights; the data have generators of their own
    task = job.task(prepared)
    trainer = Trainer(task, job.training, job.storage, job.device, log, progress)
    result = trainer.fit(stop_at)
    finished = trainer.stopped_early or stop_at is None or stop_at >= job.training.steps
    if finished and trainer.optimisation.main:
        publish_result(trainer.objects, task.save, result.metrics)
    return result.metrics


def into_bundle(job: TrainingJob, bundle: Path, info: BundleInfo) -> dict[str, float]:
    """Put a trained model, its structure and its metrics from the storage into the bundle.

    Parameters
    ----------
    job
        The training that has ended.
    bundle
        Folder of the bundle. Its other models stay.
    info
        Description of a bundle of these data, without models. It takes the place of the one that is there, because the
        data may have been prepared again since another model was trained.

    Returns
    -------
    dict
        Metrics of the model.

    Raises
    ------
    InputError
        If the storage holds no finished training.
    """
    objects = Objects(job.storage)
    metrics = published_metrics(objects)
    if metrics is None:
        raise InputError(f"{objects.uri} holds no finished training: storage must be shared by all workers")
    # The weights before the description, which then never names a model that is not there.
    save_part(bundle, job.kind.folder, lambda unfinished: take_result(objects, unfinished))
    with _BUNDLE:
        # Read within the lock: models that ended meanwhile must stay in it.
        known = read_info(bundle) if (bundle / BUNDLE_FILE).exists() else info
        save_info(bundle, _with_model(info, known, job, metrics))
    return metrics


def _with_model(info: BundleInfo, known: BundleInfo, job: TrainingJob, metrics: dict[str, float]) -> BundleInfo:
    """Describe the data as `info` does, the models as `known` does, and the new model."""
    fixed = job.settings.model_dump(mode="json", include=set(job.kind.structure))
    command = f"raysynth train {job.name} configs/{info.name}.yaml"
    return info.model_copy(
        update={
            "structure": known.structure | {job.name: fixed},
            "figures": known.figures | {job.name: metrics},
            "commands": known.commands | {job.name: command},
        }
    )


def describe_bundle(config: Config, prepared: Prepared) -> BundleInfo:
    """Describe a bundle that has no models yet.

    Parameters
    ----------
    config
        All settings: the name, the origin of the data, the tail of the limits.
    prepared
        What `prepare` made.

    Returns
    -------
    BundleInfo
        The description.
    """
    limits = MaskLimits.measure(prepared.train.outlines, config.masks.tail)
    data = {"source": config.data.source, "licence": config.data.licence, "attribution": config.data.attribution}
    return BundleInfo(name=config.name, statistics=prepared.statistics, mask_limits=limits, data=data)
