"""`raysynth evaluate table`: the trainings and scorings of a table as Ray tasks; each finished one is kept.

Workers on other machines must see the table's folder and the real data under the same paths.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ray
from ray.exceptions import RayError

from raysynth.base.errors import InputError
from raysynth.base.lease import Lease
from raysynth.base.objects import Objects
from raysynth.base.progress import Progress, no_progress
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.data.splits import split_frames
from raysynth.experiment.inputs import TableInputs, read_inputs, with_absolute_root
from raysynth.experiment.jobs import REAL, Job
from raysynth.experiment.networks import DIAMETER_PX
from raysynth.experiment.plan import make_plan
from raysynth.experiment.readings import log_reading
from raysynth.experiment.report import write_report
from raysynth.experiment.result import TableResult, collect_result
from raysynth.experiment.rows import TableRow
from raysynth.experiment.scoring import Split
from raysynth.experiment.set_metrics import SetMetrics
from raysynth.experiment.tasks import (
    TableTask,
    record_tasks,
    scoring_tasks,
    table_jobs,
    training_tasks,
    unscored,
    untrained,
)


def make_table(
    config: Config,
    synthetic: Mapping[str, str] | None = None,
    folder: Path | None = None,
    curve: bool = False,
    synthetic_curve: Sequence[int] = (),
    split: Split = "test",
    metrics: SetMetrics | None = None,
    *,
    progress: Progress = no_progress,
) -> TableResult:
    """Train and score every arm on the Ray cluster that this process is connected to, and write the report.

    Parameters
    ----------
    config
        All settings; those of group `evaluate` say what is trained.
    synthetic
        Addresses of synthetic sets by name, the main one first; None: `generate.out`.
    folder
        Keeps all that is finished, so that a rerun resumes; None: `table` in the workspace.
    curve
        Also train on few real frames.
    synthetic_curve
        Also train on these numbers of frames of the main set.
    split
        "validation" leaves the test split unread.
    metrics
        What `evaluate fidelity` and `morphology` have measured of the sets, for the report.
    progress
        Called after each training or scoring.

    Returns
    -------
    TableResult
        The finished table.

    Raises
    ------
    InputError
        For bad settings or data, and for a folder that holds another table or that another run is writing.
    RayError
        The first error of a task, when all others have ended.
    """
    _need_packages()
    inputs = read_inputs(config, synthetic or {}, folder, curve, synthetic_curve, split, _device(config))
    with Lease(Objects(str(inputs.folder), create=True), f"table-{secrets.token_hex(3)}"):
        # Within the lease: two runs would train the same generalist.
        start = inputs.start or _generalist(inputs, progress)
        given = {name: [each.address, each.digest] for name, each in inputs.synthetic.items()}
        plan = make_plan(inputs.data, inputs.settings, inputs.folder, given, start)
        jobs = table_jobs(inputs, plan, start)
        _train(inputs, jobs, progress)
        _score(inputs, jobs, progress)
        result = collect_result(inputs, plan, jobs, metrics)
        write_report(result)
    return result


def _need_packages() -> None:
    try:
        import cellpose.resnet_torch  # noqa: F401 (whether it is there, before any work)
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError("evaluate table needs Cellpose 3 and matplotlib: pip install 'raysynth[eval]'") from None


def _device(config: Config) -> str:
    """Choose where networks train; InputError when the cluster has no room for one."""
    resources, wanted = ray.cluster_resources(), config.runtime.device
    if wanted == "cuda" and not resources.get("GPU"):
        raise InputError("runtime.device is 'cuda' but Ray sees no GPU: set it to 'auto'")
    if resources.get("CPU", 0) < config.evaluate.threads:
        raise InputError(
            f"the Ray cluster has {resources.get('CPU', 0):g} logical CPUs: lower evaluate.threads from "
            f"{config.evaluate.threads}"
        )
    return "cuda" if wanted != "cpu" and resources.get("GPU") else "cpu"


def _generalist(inputs: TableInputs, progress: Progress) -> Path | None:
    """Train a network on the data of `evaluate.generalist` and give its weights; None: not asked for."""
    if inputs.settings.generalist is None:
        return None
    settings = inputs.settings.with_(generalist=None, real_frames=None, reference=None)
    data = with_absolute_root(load(inputs.settings.generalist).data)
    folder, train = inputs.folder / "generalist", split_frames(data).train
    plan = make_plan(data, settings, folder, {}, None)
    scale = DIAMETER_PX / plan.diameter_px
    job = Job(data, settings, folder, TableRow(REAL), 0, scale, {REAL: len(train)}, inputs.device)
    if untrained([job]):
        _run(record_tasks([job], train, {}), settings.threads, "cpu", progress)
        _run(training_tasks([job]), settings.threads, job.device, progress)
    return job.weights


def _train(inputs: TableInputs, jobs: Sequence[Job], progress: Progress) -> None:
    """Make the records that the trainings need, then train what has not been trained yet."""
    if pending := untrained(jobs):
        threads = inputs.settings.threads
        _run(record_tasks(pending, inputs.train, inputs.synthetic), threads, "cpu", progress)
        _run(training_tasks(pending), threads, inputs.device, progress)


def _score(inputs: TableInputs, jobs: Sequence[Job], progress: Progress) -> None:
    """Score what has not been scored yet; a reading of the test split is noted first."""
    if pending := unscored(jobs):
        if inputs.split == "test":
            log_reading(inputs.workspace, inputs.folder, len(inputs.scored), [job.key for job in pending])
        _run(scoring_tasks(pending), inputs.settings.threads, inputs.device, progress)


def _call(task: Callable[[], None]) -> None:
    task()


def _run(tasks: Sequence[TableTask], threads: int, device: str, progress: Progress) -> None:
    """Run all tasks; the first error is raised when the others have ended."""
    remote = ray.remote(_call).options(num_cpus=threads, num_gpus=int(device == "cuda"))
    names = {remote.remote(task): name for name, task in tasks}
    waiting, errors = list(names), list[Exception]()
    while waiting:
        (ended, *_), waiting = ray.wait(waiting)
        try:
            ray.get(ended)
            progress(len(names) - len(waiting), len(names), names[ended])
        except RayError as error:
            # What a task raised on purpose is shown as it is, without Ray's traceback.
            cause = getattr(error, "cause", None)
            errors.append(cause if isinstance(cause, InputError) else error)
    if errors:
        raise errors[0]
