"""The shared training loop under Ray Train: many workers, restarts after failures, the same checkpoints.

Every worker runs `raysynth.train.run.optimise`: accelerate joins the process group that Ray Train has set up, and the
loop goes on from the newest checkpoint in the storage. Crops come and lines go through Ray, so the storage is all that
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

from raysynth.base.errors import InputError, TrainingFailed
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.preparation.prepared import prepared_folder
from raysynth.train.board import say
from raysynth.train.crops import load_crops
from raysynth.train.run import Model, collect, optimise, storage_of, train_settings
from raysynth.train.shipping import Parcel, pack, unpack
from raysynth.train.start import anchored

POLL_S = 1.0


def fit_on_ray(config: Config, model: Model, workers: int) -> dict[str, float]:
    """Train one model with `workers` processes of the running Ray cluster, on GPUs where it has one for each.

    Returns the final figures, of which the bundle is written here. Raises InputError for settings that do not fit and
    when `prepare` has not been run, TrainingFailed when workers failed more than `runtime.max_failures` times.
    """
    scaling = scaling_of(config, model, workers)
    load_crops(config, "train")
    objects = Objects(storage_of(config, model), create=True)
    require_shared(objects)
    desk = _Desk.remote()  # type: ignore[attr-defined]
    settings = {"config": anchored(config, model), "model": model, "place": objects.uri, "desk": desk}
    with tempfile.TemporaryDirectory(prefix="raysynth-") as folder:
        trainer = TorchTrainer(
            _worker,
            train_loop_config=settings | {"parcel": pack(prepared_folder(config))},
            scaling_config=scaling,
            run_config=RunConfig(
                storage_path=folder,  # Ray wants one on the driver's machine, and has nothing to put there
                failure_config=FailureConfig(max_failures=config.runtime.max_failures),
                logging_config=LoggingConfig(log_level="CRITICAL"),  # type: ignore[call-arg]
            ),
        )
        _run(trainer, desk)
    if refused := ray.get(desk.refused.remote()):
        raise InputError(refused)
    return collect(config, model)


def scaling_of(config: Config, model: Model, workers: int) -> ScalingConfig:
    """What each worker claims: a GPU where there is one for each, and `train.threads` CPUs or what there is.

    Raises InputError when the batch cannot be shared out, or the cluster has fewer CPUs than workers.
    """
    settings = train_settings(config, model)
    if settings.batch % (workers * settings.accumulate):
        raise InputError(
            f"{model}.train.batch is {settings.batch}, which {workers} workers x {settings.accumulate} parts "
            "(accumulate) cannot share evenly: choose a multiple"
        )
    cluster = ray.cluster_resources()
    cpus = int(cluster.get("CPU", 0)) // workers
    if cpus < 1:
        raise InputError(
            f"--workers {workers}: the cluster has {int(cluster.get('CPU', 0))} CPUs, and each worker needs one: "
            "choose fewer workers, or wait until more machines have joined"
        )
    gpus = config.runtime.device != "cpu" and cluster.get("GPU", 0) >= workers
    claim = {"CPU": float(min(settings.threads, cpus))} | ({"GPU": 1.0} if gpus else {})
    return ScalingConfig(num_workers=workers, use_gpu=gpus, resources_per_worker=claim)


def require_shared(objects: Objects) -> None:
    """InputError unless every machine of the cluster sees the storage: a bucket, or a folder that is mounted there."""
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    if objects.folder is None or len(nodes) < 2:
        return
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
    """Takes what workers have to tell the user; Ray's own forwarding of output stays off."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.refusal: str | None = None

    def say(self, line: str) -> None:
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
    pool = ThreadPoolExecutor(1)
    running = pool.submit(trainer.fit)
    pool.shutdown(wait=False)  # an interrupt shall not wait for it
    while wait([running], POLL_S).not_done:
        _print(desk)
    _print(desk)
    try:
        running.result()
    except ray.train.TrainingFailedError as error:
        raise TrainingFailed(reason(error)) from None


def _print(desk: Any) -> None:
    for line in ray.get(desk.take.remote()):
        say(line)


def reason(error: ray.train.TrainingFailedError) -> str:
    """Why the first worker that failed did so, in one line."""
    first = next(iter(getattr(error, "worker_failures", {}).values()), error)
    line = (str(first).strip() or "no reason given").splitlines()[0]
    said_by_ray = isinstance(first, ray.exceptions.RayError | ray.train.TrainingFailedError)
    return line if said_by_ray else f"{type(first).__name__}: {line}"


def _worker(arguments: dict[str, Any]) -> None:
    config, model, desk = arguments["config"], arguments["model"], arguments["desk"]
    parcel: Parcel = arguments["parcel"]
    here = Path.cwd() / "workspace"  # of this run, shared by its workers on this machine
    config = config.model_copy(update={"workspace": str(here)})
    unpack(parcel, prepared_folder(config))
    say = lambda line: desk.say.remote(line)  # noqa: E731
    try:
        optimise(config, model, arguments["place"], say=say, report=lambda figures: ray.train.report(figures))
    except InputError as error:  # not a failure: another attempt would end alike
        ray.get(desk.refuse.remote(str(error)))
    finally:
        shutil.rmtree(here, ignore_errors=True)  # what another worker has mapped stays readable for it
