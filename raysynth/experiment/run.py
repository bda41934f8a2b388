"""`raysynth evaluate table`: the trainings and tests of a table as Ray tasks, each finished one kept.

Workers on other machines must see the table's folder and the real data under the same paths.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError
from raysynth.base.lease import Lease
from raysynth.base.objects import Objects, absolute
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames
from raysynth.experiment import arms, networks
from raysynth.experiment.arms import REAL, Job
from raysynth.experiment.outcome import collect, log_read
from raysynth.experiment.plan import make_plan
from raysynth.experiment.protocol import Part, Row, rows, scored_frames, seeds_of
from raysynth.experiment.training_set import keep, kept, records
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.label_sets import is_dataset
from raysynth.store.reader import Dataset

Update = Callable[[int, int, str], None]
Tasks = list[tuple[str, Callable[[], None]]]


def table(
    config: Config,
    synthetic: Mapping[str, str],
    folder: Path | None = None,
    curve: bool = False,
    synthetic_curve: Sequence[int] = (),
    part: Part = "test",
    update: Update = lambda done, total, message: None,
) -> dict[str, Any]:
    """Train and score every arm of `config.evaluate` on the Ray cluster this process is connected to.

    synthetic: addresses of synthetic sets by name, the main one first; empty: `generate.out`. folder: keeps all that is
    finished, so that a rerun goes on; None: `table` in the workspace. curve: also few real frames. synthetic_curve:
    also these numbers of frames of the main set. part: "validation" leaves the test split unread. update: is told
    (done, in all, what) after each training or scoring. Returns what `raysynth.experiment.report` writes. Raises
    InputError for bad settings or data, and for a folder that holds a table of other settings or that another run is
    writing; the first error of a task when all others have ended.
    """
    _need_cellpose()
    config = _absolute(config)
    folder = (folder or Path(config.workspace) / config.name / "table").absolute()
    given = dict(synthetic or {"synthetic": config.generate.out})
    synthetic = {name: absolute(uri) for name, uri in given.items()}
    splits, device = split_frames(config.data), _device(config)
    scored_on = scored_frames(config.data, config.evaluate.reference, part)
    wanted = rows(config.evaluate, list(synthetic), curve, len(splits.train), synthetic_curve)
    sets = {row.synthetic: synthetic[row.synthetic] for row in wanted if row.synthetic}
    frames = {REAL: len(splits.train)} | {name: _count(uri, config) for name, uri in sets.items()}
    if synthetic_curve:
        _need_more_than(max(synthetic_curve), frames[next(iter(synthetic))], config)
    start = None if config.evaluate.weights is None else Path(config.evaluate.weights).absolute()
    state = _weights(start, config)  # a bad file is refused before a folder is made
    with Lease(Objects(str(folder), create=True), f"table-{secrets.token_hex(3)}"):
        if start is None:
            start = _generalist(config, folder, update, device)
            state = _weights(start, config)
        if state is None:
            wanted = [row for row in wanted if row.arm != "none"]
        plan = make_plan(config, folder, {name: [uri, _digest(uri)] for name, uri in sets.items()}, start)
        scale = networks.diameter_of(state) / plan["diameter_px"]
        jobs = [
            Job(config, folder, row, seed, scale, frames, device, start, part)
            for row in wanted
            for seed in seeds_of(row, config.evaluate)
        ]
        _train(jobs, splits.train, sets, update)
        pending = [job for job in jobs if not job.scores.exists()]
        if pending:
            if part == "test":
                log_read(config, folder, scored_on, pending)
            _each([(f"{job.key} scored", partial(arms.score, job)) for job in pending], config, device, update)
        return collect(config, plan, jobs, wanted, scored_on, left_out_none=state is None)


def _need_cellpose() -> None:
    try:
        import cellpose.resnet_torch  # noqa: F401 (whether it is there, before any work)
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError("evaluate table needs Cellpose 3 and matplotlib: pip install 'raysynth[eval]'") from None


def _absolute(config: Config) -> Config:
    """Workers have folders of their own."""
    data = config.data.model_copy(update={"root": str(Path(config.data.root).absolute())})
    return config.model_copy(update={"data": data, "workspace": str(Path(config.workspace).absolute())})


def _device(config: Config) -> str:
    """Where networks train; InputError when the cluster has no room for one."""
    resources, wanted = ray.cluster_resources(), config.runtime.device
    if wanted == "cuda" and not resources.get("GPU"):
        raise InputError("runtime.device is 'cuda' but Ray sees no GPU: set it to 'auto'")
    if resources.get("CPU", 0) < config.evaluate.threads:
        raise InputError(
            f"the Ray cluster has {resources.get('CPU', 0):g} logical CPUs: lower evaluate.threads from "
            f"{config.evaluate.threads}"
        )
    return "cuda" if wanted != "cpu" and resources.get("GPU") else "cpu"


def _count(uri: str, config: Config) -> int:
    """Frames of a synthetic set; InputError when it is none or does not fit the data."""
    if not is_dataset(uri):
        raise InputError(f"--synthetic {uri} is no raysynth data set: generate one first, or give its place")
    found = frame_set(uri)
    if (axes := found.frames[0]().image.ndim) != config.data.dimensions:
        raise InputError(f"--synthetic {uri} has {axes} axes, but data.dimensions is {config.data.dimensions}")
    return len(found.frames)


def _need_more_than(count: int, frames: int, config: Config) -> None:
    """InputError when `count` frames of the main set are all that train anyway."""
    most = min(frames, config.evaluate.synthetic_frames or frames)
    if count >= most:
        raise InputError(f"--synthetic-curve {count}: the set's main rows train on {most} frames: give fewer")


def _digest(uri: str) -> str:
    return sha256(canonical_json(Dataset(uri).manifest.model_dump(mode="json"))).hexdigest()


def _weights(file: Path | None, config: Config) -> networks.State | None:
    """The weights in a file, if there is one; InputError when they are none of the config's network."""
    return None if file is None else networks.read_weights(file, config.evaluate)


def _generalist(config: Config, folder: Path, update: Update, device: str) -> Path | None:
    """The weights of a network trained on the data of `evaluate.generalist`, trained first; None: not asked for."""
    if config.evaluate.generalist is None:
        return None
    other = load(Path(config.evaluate.generalist))
    settings = config.evaluate.model_copy(update={"generalist": None, "real_frames": None, "reference": None})
    other = _absolute(other.model_copy(update={"evaluate": settings}))
    folder, train = folder / "generalist", split_frames(other.data).train
    plan = make_plan(other, folder, {}, None)
    scale = networks.DIAMETER_PX / plan["diameter_px"]
    job = Job(other, folder, Row(REAL), 0, scale, {REAL: len(train)}, device)
    _train([job], train, {}, update)
    return job.run.with_suffix(".pt")


def _train(jobs: list[Job], train: Sequence[Frame], sets: Mapping[str, str], update: Update) -> None:
    """Make the records that the trainings need, then train what has not been trained yet."""
    pending = [job for job in jobs if not job.run.exists()]
    if not pending:
        return
    reads: dict[str, Callable[[int], Pixels]] = {REAL: partial(_read_real, train)}
    reads |= {name: partial(_read_synthetic, uri) for name, uri in sets.items()}
    tasks: Tasks = []
    for name, frames in _needed(pending).items():
        folder = jobs[0].folder / "records" / name
        for frame in sorted(frames - kept(folder)):
            tasks.append((f"flows of {name} {frame}", partial(_record, jobs[0], reads[name], name, frame)))
    _each(tasks, jobs[0].config, "cpu", update)
    _each([(f"{job.key} trained", partial(arms.train, job)) for job in pending], jobs[0].config, jobs[0].device, update)


def _needed(jobs: list[Job]) -> dict[str, set[int]]:
    """The frames of each set that some training draws."""
    needed: dict[str, set[int]] = {}
    for job in jobs:
        for source in arms.sources(job):
            needed.setdefault(source.folder.name, set()).update(source.frames)
    return needed


def _record(job: Job, read: Callable[[int], Pixels], name: str, frame: int) -> None:
    """Make and keep the records of one frame of a set."""
    keep(job.folder / "records" / name, frame, records(read(frame), job.scale))


def _read_real(frames: Sequence[Frame], frame: int) -> Pixels:
    return frames[frame].read()


def _read_synthetic(uri: str, frame: int) -> Pixels:
    return frame_set(uri).frames[frame]()


def _call(task: Callable[[], None]) -> None:
    task()


def _each(tasks: Tasks, config: Config, device: str, update: Update) -> None:
    """Run all tasks; the first error is raised when the others have ended."""
    threads = config.evaluate.threads
    remote = ray.remote(_call).options(num_cpus=threads, num_gpus=int(device == "cuda"))
    names = {remote.remote(task): name for name, task in tasks}
    waiting, errors = list(names), list[Exception]()
    while waiting:
        (ended, *_), waiting = ray.wait(waiting)
        try:
            ray.get(ended)
            update(len(names) - len(waiting), len(names), names[ended])
        except RayError as error:
            cause = getattr(error, "cause", None)
            errors.append(cause if isinstance(cause, InputError) else error)
    if errors:
        raise errors[0]
