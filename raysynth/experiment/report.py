"""The report of `raysynth evaluate table`: figures, Markdown, and a page with pictures (`report_html`)."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from raysynth.base.staging import whole_file
from raysynth.experiment import set_metrics as set_figures
from raysynth.experiment.report_html import page

PAPER = {
    "hela": {"none": 0.775, "real": 0.826, "synthetic": 0.869, "both": 0.877},
    "gowt1": {"none": 0.471, "real": 0.881, "synthetic": 0.905, "both": 0.914},
    "cho": {"none": 0.698, "real": 0.897, "synthetic": 0.893, "both": 0.909},
    "ce": {"none": 0.212, "real": 0.706, "synthetic": 0.738, "both": 0.793},
}
"""SEG of Table 1 of Yilmaz et al. (ISBI 2025): other networks, budgets and synthetic images."""

ABLATIONS = {
    "harmonics": {"cho": 0.876, "ce": 0.788},
    "scratch": {"hela": 0.843, "gowt1": 0.889, "cho": 0.890, "ce": 0.791},
}
"""The same table's ablations, without SyncDreamer and without pretraining, by the name of a synthetic set that is one.

They stand beside both: its figure without the ablation is above each of them, that of synthetic alone is not (CE).
"""

Table = tuple[Sequence[str], list[list[str]]]


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """What the command prints: SEG of every row, differences to real, and how often the test split was read."""
    rows = {title: {"seg": row["seg"], "validation": row["validation"]} for title, row in found["rows"].items()}
    return {"rows": rows, "gains": found["gains"], "test_reads": len(found["test_reads"])}


def write(found: dict[str, Any]) -> Path:
    """Write `table.json`, `table.md` and `table.html` into the table's folder; returns the page.

    Figures on the validation split go to `validation.json` and so on. Places below the working directory are written
    relative to it, so that a report can be handed on.
    """
    folder, name = Path(found["folder"]), "table" if found["scored"]["part"] == "test" else "validation"
    texts = {"json": json.dumps(found, indent=1) + "\n", "md": markdown(found), "html": page(found, sections(found))}
    for kind, text in texts.items():
        with whole_file(folder / f"{name}.{kind}") as staged:
            staged.write_text(text.replace(f"{Path.cwd()}/", ""), encoding="utf-8")
    return folder / f"{name}.html"


def markdown(found: dict[str, Any]) -> str:
    """The report without pictures."""
    parts = [f"# Segmentation of {found['name']}, trained on none, real, synthetic and both\n"]
    for title, text, table in sections(found):
        parts.append(f"\n## {title}\n\n{text}\n" + ("\n" + _markdown_table(*table) if table else ""))
    return "".join(parts)


def sections(found: dict[str, Any]) -> list[tuple[str, str, Table | None]]:
    """Title, sentence and table of each part of the report."""
    steps, on = found["settings"]["steps"], found["scored"]
    scored = f"SEG on the {on['part']} split, {on['frames']} frames against {on['reference']}; {steps} steps each arm."
    if on["part"] == "validation":
        scored += " It also chose the checkpoints: compare arms by it, and report the test split."
    left_out = "".join(f" Left out: {reason}." for reason in found["left_out"])
    return [
        ("SEG", scored + left_out, _rows(found)),
        ("Gain over real data", *_gains(found["gains"])),
        (
            "Training",
            "Plateau: the last quarter of the steps adds less than 0.005 to the best validation SEG, the mean of all "
            "seeds. Images: real and synthetic ones that train, of seed 0.",
            _training(found["rows"]),
        ),
        *set_figures.sections(found.get("figures", {})),
        ("Readings of the test split", "Every one on this data set so far, this table's included.", _reads(found)),
        ("Settings and versions", "", _settings(found)),
    ]


def _rows(found: dict[str, Any]) -> Table:
    lines = []
    for title, row in found["rows"].items():
        theirs = _of_paper(row, found)
        seeds = " ".join(f"{seg:.3f}" for seg in row["seeds"])
        lines.append([title, f"{row['seg']:.4f}", seeds, f"{row['validation']:.4f}", f"{theirs:.3f}" if theirs else ""])
    return ("trained on", "SEG", "of each seed", "validation SEG", "the paper's"), lines


def _of_paper(row: dict[str, Any], found: dict[str, Any]) -> float | None:
    """The paper's figure of a row's kind, if it has one."""
    data = found["name"].split("-")[0]
    if row["real_frames"] is not None or row["synthetic_frames"] is not None:
        return None
    if row["synthetic"] in ABLATIONS:
        return ABLATIONS[row["synthetic"]].get(data) if row["arm"] == "both" else None
    return PAPER.get(data, {}).get(row["arm"]) if _is_main(row, found) else None


def _is_main(row: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a row uses no synthetic set, or the first: ablations are not in the paper's main table."""
    named = [other["synthetic"] for other in found["rows"].values() if other["synthetic"]]
    return row["synthetic"] in (None, *named[:1])


def _gains(gains: dict[str, dict[str, float]]) -> tuple[str, Table]:
    text, head = "Paired 95 % bootstrap interval over frames and seeds", ["difference", "mean", "95 % interval"]
    lines = [[title, f"{g['mean']:+.4f}", f"{g['low']:+.4f} to {g['high']:+.4f}"] for title, g in gains.items()]
    groups = next((g["groups"] for g in gains.values() if "groups" in g), None)
    if groups is None:
        return f"{text}.", (head, lines)
    text += (
        f"; and over the {groups} groups of frames (sequences, wells or embryos) and seeds, since frames of one group "
        "are alike. Of few groups it is little more than the range of their gains."
    )
    for line, g in zip(lines, gains.values(), strict=True):
        line.append(f"{g['groups_low']:+.4f} to {g['groups_high']:+.4f}")
    return text, ([*head, "interval over groups"], lines)


def _training(rows: dict[str, dict[str, Any]]) -> Table:
    lines = []
    for title, row in rows.items():
        gain = row["gain_in_last_quarter"]
        plateau = ["untrained", ""] if gain is None else [f"{gain:.4f}", "yes" if row["plateau"] else "no"]
        checkpoints, images = _list(row["steps_of_checkpoint"]), _list(row["images"][0])
        lines.append([title, *plateau, checkpoints, images, f"{row['seconds']:.0f}"])
    return ("trained on", "gain of the last quarter", "plateau", "step of each checkpoint", "images", "seconds"), lines


def _reads(found: dict[str, Any]) -> Table:
    lines = [[r["time"], str(r["frames"]), r["table"], _list(r["networks"])] for r in found["test_reads"]]
    return ("time", "frames", "table", "networks"), lines


def _settings(found: dict[str, Any]) -> Table:
    sets = {f"synthetic set {name}": place for name, (place, _) in found["plan"]["synthetic"].items()}
    about = {"data": found["data"], "median diameter, px": f"{found['plan']['diameter_px']:.1f}"} | sets
    lines = [[name, "" if value is None else str(value)] for name, value in (about | found["settings"]).items()]
    return ("setting", "value"), lines + [[f"version of {name}", value] for name, value in found["versions"].items()]


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _markdown_table(head: Sequence[str], lines: list[list[str]]) -> str:
    body = [head, ["---"] * len(head), *lines]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in body)
