"""The shared training loop under Ray Train: many workers, restarts after failures, the same checkpoints.

Every worker runs `raysynth.train.run.optimise`. accelerate joins the process group that Ray Train has set up, and the
loop resumes from the newest checkpoint in the storage. Crops come and lines go through Ray, so the storage is all that
workers share. Ray's own checkpoints are not used: the same ones serve a training without Ray.
"""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
import ray.train
from ray.train import FailureConfig, LoggingConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raysynth.base.errors import InputError, TrainingFailed, first_line
from raysynth.base.objects import Objects
from raysynth.train.board import print_line
from raysynth.train.job import TrainingJob
from raysynth.train.loop import require_even
from raysynth.train.run import optimise
from raysynth.train.shipping import PreparedParcel

POLL_S = 1.0
"""Seconds after which the driver asks for new lines of the workers."""


def fit_on_ray(job: TrainingJob, parcel: PreparedParcel, workers: int, max_failures: int) -> None:
    """Train one model with processes of the running Ray cluster, on GPUs where it has one for each.

    Parameters
    ----------
    job
        The training. Its result is left in its storage.
    parcel
        The prepared data.
    workers
        How many processes.
    max_failures
        Restarts after a worker was lost.

    Raises
    ------
    InputError
        For settings that do not fit.
    TrainingFailed
        If workers failed more often than `max_failures`.
    """
    scaling = scaling_of(job, workers)
    require_shared(Objects(job.storage, create=True))
    desk = _Desk.remote()  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="raysynth-") as folder:
        trainer = TorchTrainer(
            _worker,
            train_loop_config={"job": job, "parcel": parcel, "desk": desk},
            scaling_config=scaling,
            run_config=RunConfig(
                storage_path=folder,  # Ray wants one on the driver's machine, and has nothing to put there
                failure_config=FailureConfig(max_failures=max_failures),
                # Ray would print the traceback of every attempt; the user gets one line with the reason.
                logging_config=LoggingConfig(log_level="CRITICAL"),  # type: ignore[call-arg]
            ),
        )
        _run(trainer, desk)
    if refused := ray.get(desk.refused.remote()):
        raise InputError(refused)


def scaling_of(job: TrainingJob, workers: int) -> ScalingConfig:
    """Tell what each worker claims: a GPU where there is one for each, and its threads' CPUs or what there is.

    Parameters
    ----------
    job
        The training.
    workers
        How many processes.

    Returns
    -------
    ScalingConfig
        The claim.

    Raises
    ------
    InputError
        If the batch cannot be shared evenly, or the cluster has fewer CPUs than workers.
    """
    require_even(f"{job.name}.train.batch", job.training, workers)
    cluster = ray.cluster_resources()
    cpus = int(cluster.get("CPU", 0)) // workers
    if cpus < 1:
        raise InputError(
            f"--workers {workers}: the cluster has {int(cluster.get('CPU', 0))} CPUs, and each worker needs one: "
            "choose fewer workers, or wait until more machines have joined"
        )
    gpus = job.device != "cpu" and cluster.get("GPU", 0) >= workers
    claim = {"CPU": float(min(job.training.threads, cpus))} | ({"GPU": 1.0} if gpus else {})
    return ScalingConfig(num_workers=workers, use_gpu=gpus, resources_per_worker=claim)


def require_shared(objects: Objects) -> None:
    """Refuse a storage that not every machine of the cluster sees.

    Parameters
    ----------
    objects
        The storage: a bucket, or a folder that must be mounted on all machines.

    Raises
    ------
    InputError
        If a machine does not see the folder.
    """
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    if objects.folder is None or len(nodes) < 2:
        return
    # That a folder of this name exists elsewhere proves nothing: each machine must see a file just written here.
    objects.put("driver", b"here")
    tests = [_sees.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)) for node in nodes]
    try:
        if not all(ray.get([test.remote(str(objects.folder / "driver")) for test in tests])):
            raise InputError(
                f"{objects.uri} is not seen by all {len(nodes)} machines of the cluster: set storage to a folder that "
                "they share, or to s3://bucket/prefix"
            )
    finally:
        objects.delete("driver")


@ray.remote(num_cpus=0)
def _sees(path: str) -> bool:
    return Path(path).exists()


@ray.remote(num_cpus=0)
class _Desk:
    """Takes what workers have to say to the user; Ray's own forwarding of output stays off."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.refusal: str | None = None

    def log(self, line: str) -> None:
        self.lines.append(line)

    def take(self) -> list[str]:
        taken, self.lines = self.lines, []
        return taken

    def refuse(self, sentence: str) -> None:
        self.refusal = sentence

    def refused(self) -> str | None:
        return self.refusal


def _run(trainer: TorchTrainer, desk: Any) -> None:
    """Wait for the end of a training, and print its lines as they come."""
    # `fit` blocks until the end. In a thread of its own it leaves this one free to print.
    pool = ThreadPoolExecutor(1)
    running = pool.submit(trainer.fit)
    pool.shutdown(wait=False)  # an interrupt shall not wait for it
    while wait([running], POLL_S).not_done:
        _print(desk)
    _print(desk)
    try:
        running.result()
    except ray.train.TrainingFailedError as error:
        raise TrainingFailed(_reason(error)) from None


def _print(desk: Any) -> None:
    for line in ray.get(desk.take.remote()):
        print_line(line)


def _reason(error: ray.train.TrainingFailedError) -> str:
    """Say in one line why the first worker that failed did so."""
    first = next(iter(getattr(error, "worker_failures", {}).values()), error)
    said_by_ray = isinstance(first, ray.exceptions.RayError | ray.train.TrainingFailedError)
    return first_line(first) if said_by_ray else f"{type(first).__name__}: {first_line(first)}"


def _worker(arguments: dict[str, Any]) -> None:
    job, parcel, desk = arguments["job"], arguments["parcel"], arguments["desk"]
    here = Path.cwd() / "prepared"  # of this run, shared by its workers on this machine

    def progress(done: int, total: int, message: str = "") -> None:
        # Every worker comes here at the same steps, since a report waits for those of all others.
        ray.train.report({"step": done})

    try:
        optimise(job, parcel.open(here), log=lambda line: desk.log.remote(line), progress=progress)
    except InputError as error:  # not a failure: another attempt would end alike
        # Waited for: a message on its way may be lost when the worker ends.
        ray.get(desk.refuse.remote(str(error)))
    finally:
        shutil.rmtree(here, ignore_errors=True)  # what another worker has mapped stays readable for it
