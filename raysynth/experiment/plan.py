"""What a table is of: written into its folder first, so that a rerun cannot mix two tables.

Arms, seeds, rows of the curve and further synthetic sets may be added; everything else must stay.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_file
from raysynth.config import DataConfig, EvaluateConfig
from raysynth.config.aliases import upgrade
from raysynth.config.base import Settings
from raysynth.data.splits import split_frames
from raysynth.experiment.records import own_columns
from raysynth.measures.frame_sets import median_diameter

PLAN = "plan.json"
"""Name of the file in the table's folder."""

FREE = {"arms", "seeds"}
"""Settings that may change from run to run."""


@dataclass(frozen=True)
class TablePlan:
    """What a table is of, as `plan.json` holds it.

    Attributes
    ----------
    evaluate
        The settings of group `evaluate` but those in `FREE`, as plain values.
    data
        The settings of group `data`, likewise.
    start
        SHA-256 of the weights that every arm starts from; None: from scratch.
    synthetic
        Address and digest of each synthetic set, by its name.
    diameter_px
        Median diameter of the real training cells.
    """

    evaluate: dict[str, Any]
    data: dict[str, Any]
    start: str | None
    synthetic: dict[str, list[str]]
    diameter_px: float


def make_plan(
    data: DataConfig, settings: EvaluateConfig, folder: Path, synthetic: dict[str, list[str]], start: Path | None
) -> TablePlan:
    """Write down what the table in a folder is of, or compare it with what is written there.

    Parameters
    ----------
    data
        The real data, with an absolute folder.
    settings
        How networks are trained and scored.
    folder
        Folder of the table.
    synthetic
        Address and digest of each synthetic set, by its name.
    start
        File of the weights that every arm starts from; None: from scratch.

    Returns
    -------
    TablePlan
        With the synthetic sets of earlier runs too.

    Raises
    ------
    InputError
        When the folder holds a table of other settings or sets, and when it cannot be written.
    """
    before = _read(folder)
    # Measured once and kept: it takes all training frames, and another value would resize later arms differently.
    if before is None:
        train = [own_columns(frame.read()) for frame in split_frames(data).train]
        diameter_px, known = median_diameter(train, data.root), dict[str, list[str]]()
    else:
        diameter_px, known = before.diameter_px, before.synthetic
    evaluate = settings.model_dump(mode="json", exclude=FREE)
    plan = TablePlan(evaluate, data.model_dump(mode="json"), _digest(start), known | synthetic, diameter_px)
    if before is not None and (changed := _first_change(before, plan)):
        raise InputError(f"--out {folder} holds a table with another {changed}: choose another folder")
    with whole_file(folder / PLAN) as staged:
        staged.write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")
    return plan


def _read(folder: Path) -> TablePlan | None:
    """Read the plan in a folder, with the present names of settings; None where there is none."""
    file = folder / PLAN
    if not file.exists():
        return None
    try:
        found = upgrade(json.loads(file.read_text(encoding="utf-8")))
        evaluate, data = _completed(EvaluateConfig, found["evaluate"]), _completed(DataConfig, found["data"])
        return TablePlan(evaluate, data, found["start"], found["synthetic"], found["diameter_px"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file} is damaged: choose another folder for the table") from None


def _completed(group: type[Settings], values: dict[str, Any]) -> dict[str, Any]:
    """Add the settings that an earlier version did not have, with their defaults."""
    try:
        return group.model_validate_json(json.dumps(values)).model_dump(mode="json", exclude=FREE)
    except ValidationError:  # of a version with other settings: it differs
        return values


def _digest(start: Path | None) -> str | None:
    if start is None:
        return None
    # By content: weights may be moved, or replaced by others under the same name.
    return sha256(start.read_bytes()).hexdigest() if start.exists() else str(start)


def _first_change(before: TablePlan, plan: TablePlan) -> str | None:
    """Name what differs from an earlier run and may not; None: nothing."""
    for name in ("evaluate", "data", "start"):
        if getattr(before, name) != getattr(plan, name):
            return name
    changed = (name for name, kept in before.synthetic.items() if plan.synthetic[name] != kept)
    return next((f"synthetic set {name}" for name in changed), None)
