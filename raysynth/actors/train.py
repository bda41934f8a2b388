"""Training of a config's models: which ones, and whether in this process or under Ray Train."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from raysynth.base.errors import InputError, TrainingFailed, first_line
from raysynth.config import Config
from raysynth.config.kinds import ModelName, needed_models
from raysynth.config.places import Places
from raysynth.preparation.prepare import prepare_data
from raysynth.preparation.prepared import Prepared
from raysynth.train.board import print_line
from raysynth.train.job import TrainingJob
from raysynth.train.reports import ModelReport, TrainReport
from raysynth.train.run import describe_bundle, into_bundle, train_model


def train_models(
    config: Config, what: ModelName | Literal["all"] = "all", workers: int | None = None, address: str | None = None
) -> TrainReport:
    """Train models of a config, each from its last checkpoint, and put them into its bundle.

    Real frames that have not been prepared yet are prepared first. A model that fails leaves the others alone.

    Parameters
    ----------
    config
        All settings.
    what
        One model, or `all` that the config needs.
    workers
        Processes of each model under Ray Train, models side by side where the cluster has room. None: in this process,
        one after the other, without Ray.
    address
        Of a running Ray cluster; None: this machine.

    Returns
    -------
    TrainReport
        Metrics of each model, or why it failed.

    Raises
    ------
    InputError
        For settings or data that cannot be trained on. What a training itself refuses is raised when the others have
        ended.
    """
    places = Places.of(config)
    names = needed_models(config) if what == "all" else (what,)
    # Before the data are prepared: what a training refuses shows at once, and not after all frames were read.
    jobs = [TrainingJob.of(config, name, places) for name in names]
    prepared = _prepared(config, Path(places.prepared))
    bundle, info = Path(places.bundle), describe_bundle(config, prepared)
    if workers is None:
        return train_each(jobs, lambda job: train_model(job, prepared, bundle, info), at_once=1)
    # Training in one process needs no Ray.
    from raysynth.actors.cluster import cluster
    from raysynth.train.ray_trainer import fit_on_ray, scaling_of
    from raysynth.train.shipping import PreparedParcel

    with cluster(address) as resources:
        # Before the parcel: a claim that the cluster cannot meet is refused before the data fill its store.
        claims = [scaling_of(job, workers).total_resources for job in jobs]
        parcel = PreparedParcel.pack(places.prepared, config.crops)

        def on_cluster(job: TrainingJob) -> dict[str, float]:
            fit_on_ray(job, parcel, workers, config.runtime.max_failures)
            return into_bundle(job, bundle, info)

        return train_each(jobs, on_cluster, side_by_side(claims, resources))


def _prepared(config: Config, folder: Path) -> Prepared:
    """Read the prepared data; make them first where they are not there."""
    if not folder.exists():
        print_line(f"{folder} is not there yet: preparing the crops first")
        prepare_data(config.data, config.crops, config.shapes, folder)
    return Prepared.load(folder, config.crops.limit, config.crops.limit_seed)


def side_by_side(claims: Sequence[Mapping[str, float]], resources: Mapping[str, float]) -> int:
    """Tell how many trainings fit at once, whichever they are.

    Parameters
    ----------
    claims
        What each training claims of each kind of resource.
    resources
        What the cluster has.

    Returns
    -------
    int
        The most for which every kind of resource holds the largest claims; at least 1.
    """
    for count in range(len(claims), 1, -1):
        kinds = {kind for claim in claims for kind in claim}
        largest = {kind: sorted((claim.get(kind, 0) for claim in claims), reverse=True)[:count] for kind in kinds}
        if all(sum(values) <= resources.get(kind, 0) for kind, values in largest.items()):
            return count
    return 1


def train_each(
    jobs: Sequence[TrainingJob], train: Callable[[TrainingJob], dict[str, float]], at_once: int
) -> TrainReport:
    """Train every model; one that fails leaves the others alone.

    Parameters
    ----------
    jobs
        The trainings.
    train
        Does one of them and returns its metrics.
    at_once
        How many run at the same time.

    Returns
    -------
    TrainReport
        Metrics of each model, or why it failed.

    Raises
    ------
    InputError
        The first that a training raised, when all have ended.
    """
    refused: list[InputError] = []

    def one(job: TrainingJob) -> ModelReport:
        try:
            return ModelReport(job.name, train(job))
        except InputError as error:
            refused.append(error)
            return ModelReport(job.name, failed=str(error))
        except Exception as error:
            if not isinstance(error, TrainingFailed):  # which says all there is to say
                traceback.print_exc()
            print_line(f"{job.name} failed: {error}")
            return ModelReport(job.name, failed=str(error) or first_line(error))

    # Not by `with`, whose end would wait for running trainings after an interrupt.
    pool = ThreadPoolExecutor(at_once)
    try:
        # Alone, a training runs in the main thread, which an interrupt reaches.
        reports = list(pool.map(one, jobs) if at_once > 1 else map(one, jobs))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if refused:
        raise refused[0]
    return TrainReport({report.model: report for report in reports})
