"""The report of `raysynth evaluate table`: values, Markdown, and a page with pictures (`report_html`)."""

import json
from collections.abc import Mapping
from pathlib import Path

from raysynth.base.staging import whole_file
from raysynth.experiment.gains import Gain
from raysynth.experiment.paper import paper_seg
from raysynth.experiment.report_html import report_page
from raysynth.experiment.result import RowResult, TableResult
from raysynth.experiment.sections import ReportTable, Section, listed, markdown_of
from raysynth.experiment.set_metrics import set_sections


def write_report(result: TableResult) -> Path:
    """Write `table.json`, `table.md` and `table.html` into the table's folder.

    Results on the validation split go to `validation.json` and so on. Folders below the working directory are written
    relative to it, so that a report can be handed on.

    Parameters
    ----------
    result
        The finished table.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        When they cannot be written.
    """
    texts = {
        ".json": json.dumps(result.document(), indent=1) + "\n",
        ".md": markdown(result),
        ".html": report_page(result, report_sections(result)),
    }
    for ending, text in texts.items():
        with whole_file(result.report.with_suffix(ending)) as staged:
            staged.write_text(text.replace(f"{Path.cwd()}/", ""), encoding="utf-8")
    return result.report


def markdown(result: TableResult) -> str:
    """Write the report without pictures.

    Parameters
    ----------
    result
        The finished table.

    Returns
    -------
    str
        Markdown.
    """
    title = f"Segmentation of {result.name}, trained on none, real, synthetic and both"
    return markdown_of(title, report_sections(result))


def report_sections(result: TableResult) -> list[Section]:
    """Make the parts of the report.

    Parameters
    ----------
    result
        The finished table.

    Returns
    -------
    list of Section
        SEG first.
    """
    return [
        _seg(result),
        _gains(result.gains),
        _training(result.rows),
        *set_sections(result.metrics),
        _readings(result),
        _settings(result),
    ]


def _seg(result: TableResult) -> Section:
    on, steps = result.scored, result.settings["steps"]
    text = f"SEG on the {on.split} split, {on.frames} frames against {on.reference}; {steps} steps each arm."
    if on.split == "validation":
        text += " It also chose the checkpoints: compare arms by it, and report the test split."
    text += "".join(f" Left out: {reason}." for reason in result.left_out)
    lines = []
    for title, row in result.rows.items():
        theirs = paper_seg(row, result.rows, result.name)
        seeds = " ".join(f"{seg:.3f}" for seg in row.seeds)
        lines.append([title, f"{row.seg:.4f}", seeds, f"{row.validation:.4f}", f"{theirs:.3f}" if theirs else ""])
    head = ("trained on", "SEG", "of each seed", "validation SEG", "the paper's")
    return Section("SEG", text, ReportTable(head, lines))


def _gains(gains: Mapping[str, Gain]) -> Section:
    text, head = "Paired 95 % bootstrap interval over frames and seeds", ["difference", "mean", "95 % interval"]
    lines = []
    for title, gain in gains.items():
        d = gain.difference
        lines.append([title, f"{d.mean:+.4f}", f"{d.low:+.4f} to {d.high:+.4f}"])
    intervals = [gain.groups for gain in gains.values() if gain.groups is not None]
    if not intervals:
        return Section("Gain over real data", f"{text}.", ReportTable(head, lines))
    text += (
        f"; and over the {intervals[0].groups} groups of frames (sequences, wells or embryos) and seeds, since frames "
        "of one group are alike. Of few groups it is little more than the range of their gains."
    )
    for line, interval in zip(lines, intervals, strict=True):
        line.append(f"{interval.groups_low:+.4f} to {interval.groups_high:+.4f}")
    return Section("Gain over real data", text, ReportTable([*head, "interval over groups"], lines))


def _training(rows: Mapping[str, RowResult]) -> Section:
    text = (
        "Plateau: the last quarter of the steps adds less than 0.005 to the best validation SEG, the mean of all "
        "seeds. Images: real and synthetic ones that train, of seed 0."
    )
    lines = []
    for title, row in rows.items():
        gain = row.gain_in_last_quarter
        plateau = ["untrained", ""] if gain is None else [f"{gain:.4f}", "yes" if row.plateau else "no"]
        checkpoints, images = listed(row.steps_of_checkpoint), listed(row.images[0])
        lines.append([title, *plateau, checkpoints, images, f"{row.seconds:.0f}"])
    head = ("trained on", "gain of the last quarter", "plateau", "step of each checkpoint", "images", "seconds")
    return Section("Training", text, ReportTable(head, lines))


def _readings(result: TableResult) -> Section:
    lines = [[r.time, str(r.frames), r.table, listed(r.networks)] for r in result.test_reads]
    text = "Every one on this data set so far, this table's included."
    return Section("Readings of the test split", text, ReportTable(("time", "frames", "table", "networks"), lines))


def _settings(result: TableResult) -> Section:
    about = {"data": result.data, "median diameter, px": f"{result.plan.diameter_px:.1f}"}
    about |= {f"synthetic set {name}": address for name, (address, _) in result.plan.synthetic.items()}
    lines = [[name, "" if value is None else str(value)] for name, value in (about | result.settings).items()]
    lines += [[f"version of {name}", value] for name, value in result.versions.items()]
    return Section("Settings and versions", "", ReportTable(("setting", "value"), lines))
