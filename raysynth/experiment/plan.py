"""What a table is of: written into its folder first, so that a rerun cannot mix two tables.

Arms, seeds, rows of the curve and further synthetic sets may be added; everything else must stay.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_file
from raysynth.config import Config
from raysynth.config.aliases import upgrade
from raysynth.data.splits import split_frames
from raysynth.experiment.training_set import own_part
from raysynth.measures.frame_sets import median_diameter

PLAN = "plan.json"
FREE = {"arms", "seeds"}
"""Settings that may change from run to run."""


def make_plan(config: Config, folder: Path, synthetic: dict[str, list[str]], start: Path | None) -> dict[str, Any]:
    """What the table in `folder` is of; InputError when it was begun with other settings or sets."""
    plan: dict[str, Any] = {
        "evaluate": config.evaluate.model_dump(mode="json", exclude=FREE),
        "data": config.data.model_dump(mode="json"),
        "start": None if start is None else sha256(start.read_bytes()).hexdigest() if start.exists() else str(start),
    }
    file = folder / PLAN
    if file.exists():
        before = upgrade(json.loads(file.read_text(encoding="utf-8")))
        known = before["synthetic"]
        changed = [name for name in plan if before[name] != plan[name]]
        changed += [
            f"synthetic set {name}" for name in synthetic if known.get(name, synthetic[name]) != synthetic[name]
        ]
        if changed:
            raise InputError(f"--out {folder} holds a table with another {changed[0]}: choose another folder")
        plan |= {"synthetic": known | synthetic, "diameter_px": before["diameter_px"]}
    else:
        train = [own_part(frame.read()) for frame in split_frames(config.data).train]
        plan |= {"synthetic": synthetic, "diameter_px": median_diameter(train, config.data.root)}
    with whole_file(file) as staged:
        staged.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    return plan
