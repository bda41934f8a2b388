"""The jobs of a table, and the tasks they are cut into: records of frames, trainings, scorings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from raysynth.data.frames import Frame, Pixels
from raysynth.experiment.arms import score_arm, train_arm
from raysynth.experiment.inputs import SyntheticSet, TableInputs
from raysynth.experiment.jobs import REAL, Job
from raysynth.experiment.networks import diameter_of, read_weights
from raysynth.experiment.plan import TablePlan
from raysynth.experiment.records import keep_records, kept_frames, make_records
from raysynth.experiment.rows import row_seeds
from raysynth.measures.frame_sets import frame_set

TableTask = tuple[str, Callable[[], None]]
"""What to call a piece of work, and the work: a function that can be sent to another process."""


def table_jobs(inputs: TableInputs, plan: TablePlan, start: Path | None) -> list[Job]:
    """List the jobs of a table.

    Parameters
    ----------
    inputs
        What the table is made from.
    plan
        What the table is of.
    start
        File of the weights that every arm starts from; None: from scratch, and no row `none`.

    Returns
    -------
    list of Job
        Row by row, seed by seed.
    """
    weights = None if start is None else read_weights(start, inputs.settings)
    scale = diameter_of(weights) / plan.diameter_px
    return [
        Job(
            inputs.data,
            inputs.settings,
            inputs.folder,
            row,
            seed,
            scale,
            inputs.frames,
            inputs.device,
            start,
            inputs.split,
        )
        for row in inputs.rows
        if row.arm != "none" or start is not None
        for seed in row_seeds(row, inputs.settings)
    ]


def untrained(jobs: Iterable[Job]) -> list[Job]:
    """Choose the jobs that have not been trained yet.

    Parameters
    ----------
    jobs
        The jobs.

    Returns
    -------
    list of Job
        In their order.
    """
    return [job for job in jobs if not job.run.exists()]


def unscored(jobs: Iterable[Job]) -> list[Job]:
    """Choose the jobs that have not been scored yet.

    Parameters
    ----------
    jobs
        The jobs.

    Returns
    -------
    list of Job
        In their order.
    """
    return [job for job in jobs if not job.scores.exists()]


def record_tasks(jobs: Sequence[Job], train: Sequence[Frame], synthetic: Mapping[str, SyntheticSet]) -> list[TableTask]:
    """List the records that trainings need and that are not there yet.

    Parameters
    ----------
    jobs
        The trainings, of one table.
    train
        Real training frames.
    synthetic
        The synthetic sets by name.

    Returns
    -------
    list of TableTask
        One for each frame.
    """
    tasks: list[TableTask] = []
    for folder, frames in _needed(jobs).items():
        # Real frames are sent as they are: a few paths. A synthetic set is opened where its frame is read.
        for frame in sorted(frames - kept_frames(folder)):
            name = folder.name
            read = train[frame].read if name == REAL else partial(_read_synthetic, synthetic[name].address, frame)
            tasks.append((f"flows of {name} {frame}", partial(_record, folder, frame, read, jobs[0].scale)))
    return tasks


def training_tasks(jobs: Sequence[Job]) -> list[TableTask]:
    """List the trainings of jobs.

    Parameters
    ----------
    jobs
        The jobs.

    Returns
    -------
    list of TableTask
        One for each job.
    """
    return [(f"{job.key} trained", partial(train_arm, job)) for job in jobs]


def scoring_tasks(jobs: Sequence[Job]) -> list[TableTask]:
    """List the scorings of jobs.

    Parameters
    ----------
    jobs
        The jobs.

    Returns
    -------
    list of TableTask
        One for each job.
    """
    return [(f"{job.key} scored", partial(score_arm, job)) for job in jobs]


def _needed(jobs: Iterable[Job]) -> dict[Path, set[int]]:
    """Gather the frames of each set that some training draws, by the folder of its records."""
    needed: dict[Path, set[int]] = {}
    for job in jobs:
        for source in job.sources():
            needed.setdefault(source.folder, set()).update(source.frames)
    return needed


def _record(folder: Path, frame: int, read: Callable[[], Pixels], scale: float) -> None:
    """Make and keep the records of one frame of a set."""
    keep_records(folder, frame, make_records(read(), scale))


def _read_synthetic(address: str, frame: int) -> Pixels:
    return frame_set(address).frames[frame]()
