"""A finished table as plain values, and the record of every reading of the test split."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from raysynth.config import Config
from raysynth.data.frames import Frame
from raysynth.experiment import networks
from raysynth.experiment.arms import Job
from raysynth.experiment.gains import Scores, gains
from raysynth.experiment.protocol import Part, Row

READS = "test-reads.jsonl"
"""In the data set's workspace: every reading of its test split, whatever the table."""

PACKAGES = ("raysynth", "cellpose", "torch", "numpy", "ray")


def log_read(config: Config, folder: Path, tested: Sequence[Frame], jobs: list[Job]) -> None:
    """Note that the test split is about to be read."""
    read = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "table": str(folder),
        "frames": len(tested),
        "networks": [job.key for job in jobs],
    }
    place = Path(config.workspace) / config.name / READS
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps(read) + "\n")


def reads(config: Config) -> list[dict[str, Any]]:
    """Every reading of the test split of this data set so far."""
    place = Path(config.workspace) / config.name / READS
    if not place.exists():
        return []
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


def collect(
    config: Config,
    plan: dict[str, Any],
    jobs: list[Job],
    wanted: list[Row],
    scored_on: Sequence[Frame],
    left_out_none: bool,
) -> dict[str, Any]:
    """The finished table, as plain values."""
    found, scored = {}, {}
    for row in wanted:
        of_row = [job for job in jobs if job.row == row]
        runs = [json.loads(job.run.read_text(encoding="utf-8")) for job in of_row]
        scores = [json.loads(job.scores.read_text(encoding="utf-8")) for job in of_row]
        scored[row] = Scores.of(scores)
        found[row.title] = _row_figures(row, runs, scores, str(of_row[0].scores.with_suffix(".npz")))
    return {
        "name": config.name,
        "folder": str(jobs[0].folder),
        "data": config.data.root,
        "rows": found,
        "gains": gains(scored),
        "scored": _scored(config, jobs[0].part, scored_on),
        "test_reads": reads(config),
        "left_out": ["none: there are no weights to start from"] * (left_out_none and "none" in config.evaluate.arms),
        "settings": config.evaluate.model_dump(mode="json") | networks.describe(config.evaluate),
        "plan": plan,
        "versions": {package: version(package) for package in PACKAGES},
    }


def _scored(config: Config, part: Part, frames: Sequence[Frame]) -> dict[str, Any]:
    reference = config.evaluate.reference if part == "test" else None
    return {"part": part, "reference": reference or "the labels of data", "frames": len(frames)}


def _row_figures(row: Row, runs: list[dict[str, Any]], scores: list[dict[str, Any]], picture: str) -> dict[str, Any]:
    segs = [score["seg"] for score in scores]
    gain = [run["gain_in_last_quarter"] for run in runs if "gain_in_last_quarter" in run]
    mean_gain = sum(gain) / len(gain) if gain else None
    return {
        "arm": row.arm,
        "synthetic": row.synthetic,
        "real_frames": row.real_frames,
        "synthetic_frames": row.synthetic_frames,
        "seg": sum(segs) / len(segs),
        "seeds": segs,
        "validation": sum(run["validation"] for run in runs) / len(runs),
        "gain_in_last_quarter": mean_gain,
        "plateau": None if mean_gain is None else mean_gain < networks.PLATEAU,
        "images": [run["images"] for run in runs],
        "steps_of_checkpoint": [run["step"] for run in runs],
        "curves": [run["curve"] for run in runs],
        "seconds": sum(part["seconds"] for part in runs + scores),
        "picture": picture,
    }
