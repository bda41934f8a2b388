"""A finished table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from raysynth.base.reports import Report, plain
from raysynth.experiment.gains import Gain, Scores, gains
from raysynth.experiment.inputs import TableInputs
from raysynth.experiment.jobs import Job
from raysynth.experiment.network_training import PLATEAU, describe_training
from raysynth.experiment.plan import TablePlan
from raysynth.experiment.readings import Reading, readings
from raysynth.experiment.rows import TableRow
from raysynth.experiment.scoring import Split

PACKAGES = ("raysynth", "cellpose", "torch", "numpy", "ray")
"""Packages whose versions stand in the report."""


@dataclass(frozen=True)
class RowResult:
    """What one row reached.

    Attributes
    ----------
    arm
        "none", "real", "synthetic" or "both".
    synthetic
        Name of the synthetic set; None: no such set.
    real_frames
        Real frames that trained; None: all.
    synthetic_frames
        Synthetic frames that trained; None: as many as the settings say.
    seg
        Mean SEG of the seeds.
    seeds
        SEG of each seed.
    validation
        Mean SEG on the validation split.
    gain_in_last_quarter
        What the last quarter of the steps added to the best validation SEG, on average; None: untrained.
    plateau
        Whether that is less than `raysynth.experiment.network_training.PLATEAU`.
    images
        Training images of each set, real ones first, for each seed.
    steps_of_checkpoint
        Step of the weights that were scored, for each seed.
    curves
        Step and validation SEG of every validation, for each seed.
    seconds
        Duration of trainings and scorings, all together.
    picture
        File of one scored frame.
    """

    arm: str
    synthetic: str | None
    real_frames: int | None
    synthetic_frames: int | None
    seg: float
    seeds: list[float]
    validation: float
    gain_in_last_quarter: float | None
    plateau: bool | None
    images: list[list[int]]
    steps_of_checkpoint: list[int]
    curves: list[list[tuple[int, float]]]
    seconds: float
    picture: str


@dataclass(frozen=True)
class ScoredOn:
    """What scored a table.

    Attributes
    ----------
    split
        The split.
    reference
        Folder of the labels, or what they are, in words.
    frames
        Number of frames.
    """

    split: Split
    reference: str
    frames: int


@dataclass(frozen=True)
class TableResult(Report):
    """A finished table.

    Attributes
    ----------
    name
        Name of the configuration.
    folder
        Folder of the table.
    data
        Folder of the real data.
    rows
        What each row reached, by its title.
    gains
        What synthetic data add to real data, by "row - real row".
    scored
        What scored the table.
    test_reads
        Every reading of the test split so far.
    left_out
        Rows that were wanted and are not there, and why.
    settings
        The settings of group `evaluate`, and how networks are trained, as plain values.
    plan
        What the table is of.
    versions
        Version of each of `PACKAGES`.
    metrics
        What `evaluate fidelity` and `morphology` have measured of the synthetic sets, by name, as they write it.
    report
        The page of the report.
    """

    name: str
    folder: str
    data: str
    rows: dict[str, RowResult]
    gains: dict[str, Gain]
    scored: ScoredOn
    test_reads: tuple[Reading, ...]
    left_out: tuple[str, ...]
    settings: dict[str, Any]
    plan: TablePlan
    versions: dict[str, str]
    metrics: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def report(self) -> Path:
        """The page of the report, `table.html`; `validation.html` of a table on the validation split."""
        return Path(self.folder) / ("table.html" if self.scored.split == "test" else "validation.html")

    def to_json(self) -> dict[str, Any]:
        """Return what `raysynth evaluate table --json` writes.

        Returns
        -------
        dict
            SEG of every row, gains over real data, how often the test split was read, and the report's page.
        """
        return {
            "rows": {title: {"seg": row.seg, "validation": row.validation} for title, row in self.rows.items()},
            "gains": {title: gain.to_json() for title, gain in self.gains.items()},
            "test_reads": len(self.test_reads),
            "report": str(self.report),
        }

    def document(self) -> dict[str, Any]:
        """Return all of it, as `table.json` holds it.

        Returns
        -------
        dict
            Every field, as plain values.
        """
        scored = {"part": self.scored.split, "reference": self.scored.reference, "frames": self.scored.frames}
        found = {
            "name": self.name,
            "folder": self.folder,
            "data": self.data,
            "rows": {title: asdict(row) for title, row in self.rows.items()},
            "gains": {title: gain.to_json() for title, gain in self.gains.items()},
            "scored": scored,
            "test_reads": [asdict(reading) for reading in self.test_reads],
            "left_out": self.left_out,
            "settings": self.settings,
            "plan": asdict(self.plan),
            "versions": self.versions,
            "figures": self.metrics,
        }
        return {name: plain(value) for name, value in found.items()}


def collect_result(
    inputs: TableInputs,
    plan: TablePlan,
    jobs: Sequence[Job],
    metrics: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> TableResult:
    """Read what the jobs of a table have kept.

    Parameters
    ----------
    inputs
        What the table is made from.
    plan
        What the table is of.
    jobs
        Its jobs, all of them trained and scored, in the order of the rows.
    metrics
        Metrics of the synthetic sets, by name; None: none.

    Returns
    -------
    TableResult
        The finished table.
    """
    of_row: dict[TableRow, list[Job]] = {}
    for job in jobs:
        of_row.setdefault(job.row, []).append(job)
    scores = {row: [_read(job.scores) for job in some] for row, some in of_row.items()}
    rows = {row.title: _row_result(row, some, scores[row]) for row, some in of_row.items()}
    left_out = [row for row in inputs.rows if row not in of_row]
    reference = inputs.settings.reference if inputs.split == "test" else None
    return TableResult(
        name=inputs.name,
        folder=str(inputs.folder),
        data=inputs.data.root,
        rows=rows,
        gains=gains({row: Scores.of(some) for row, some in scores.items()}),
        scored=ScoredOn(inputs.split, reference or "the labels of data", len(inputs.scored)),
        test_reads=readings(inputs.workspace),
        left_out=tuple(f"{row.title}: there are no weights to start from" for row in left_out),
        settings=inputs.settings.model_dump(mode="json") | describe_training(inputs.settings),
        plan=plan,
        versions={package: version(package) for package in PACKAGES},
        metrics=metrics or {},
    )


def _row_result(row: TableRow, jobs: Sequence[Job], scores: Sequence[Mapping[str, Any]]) -> RowResult:
    runs = [_read(job.run) for job in jobs]
    segs = [score["seg"] for score in scores]
    gain = [run["gain_in_last_quarter"] for run in runs if "gain_in_last_quarter" in run]
    mean_gain = sum(gain) / len(gain) if gain else None
    return RowResult(
        row.arm,
        row.synthetic,
        row.real_frames,
        row.synthetic_frames,
        seg=sum(segs) / len(segs),
        seeds=segs,
        validation=sum(run["validation"] for run in runs) / len(runs),
        gain_in_last_quarter=mean_gain,
        plateau=None if mean_gain is None else mean_gain < PLATEAU,
        images=[run["images"] for run in runs],
        steps_of_checkpoint=[run["step"] for run in runs],
        curves=[run["curve"] for run in runs],
        seconds=sum(part["seconds"] for part in [*runs, *scores]),
        picture=str(jobs[0].picture),
    )


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
