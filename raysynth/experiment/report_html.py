"""The report of a table as one page that needs no other file: its pictures are inside."""

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:left}
img{max-width:100%}"""

COLUMNS = 4
PERCENTILES = (0.5, 99.8)

Section = tuple[str, str, tuple[Sequence[str], list[list[str]]] | None]


def page(found: dict[str, Any], sections: Sequence[Section]) -> str:
    """The whole page. found: a table (`outcome.collect`); sections: title, sentence and table of each part."""
    title = escape(f"Segmentation of {found['name']}")
    parts = [_section(*section) for section in sections]
    drawn = {
        "Validation SEG against steps": _curves(found["rows"]),
        "SEG against real frames": _few_frames(found["rows"], "real"),
        "SEG against synthetic frames": _few_frames(found["rows"], "synthetic"),
        "One scored frame: reference green, found red": _frames(found["rows"]),
    }
    pictures = [f"<h2>{escape(name)}</h2>\n{_image(figure)}" for name, figure in drawn.items() if figure is not None]
    body = "\n".join([parts[0], *pictures, *parts[1:]])
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(title: str, text: str, table: tuple[Sequence[str], list[list[str]]] | None) -> str:
    shown = f"<h2>{escape(title)}</h2>\n<p>{escape(text)}</p>"
    if table is None:
        return shown
    head, lines = table
    rows = [_line("th", head), *(_line("td", line) for line in lines)]
    return f"{shown}\n<table>\n" + "\n".join(rows) + "\n</table>"


def _line(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _image(figure: "Figure") -> str:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}">'


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # of the extra `eval`

    return Figure(figsize=(width, height), layout="constrained")


def _curves(rows: dict[str, dict[str, Any]]) -> "Figure":
    """Mean validation SEG of the seeds of every trained row."""
    figure = _figure(8, 4)
    axes = figure.subplots()
    for title, row in rows.items():
        if row["gain_in_last_quarter"] is not None:
            steps, segs = np.mean(row["curves"], axis=0).T
            axes.plot(steps, segs, label=title)
    axes.set(xlabel="steps", ylabel="validation SEG")
    axes.legend(fontsize=8)
    return figure


def _few_frames(rows: dict[str, dict[str, Any]], kind: str) -> "Figure | None":
    """SEG of an arm, and of both, at every number of its frames, where there are several. kind: real or synthetic."""
    varied, kept = ("real_frames", "synthetic_frames")[:: 1 if kind == "real" else -1]
    lines: dict[str, dict[str, float]] = {kind: {}, "both": {}}
    first = {arm: next((row for row in rows.values() if row["arm"] == arm), {}) for arm in lines}
    for row in rows.values():
        arm = row["arm"]
        if arm in lines and all(row[name] == first[arm][name] for name in ("synthetic", kept)):
            lines[arm][str(row[varied] or "all")] = row["seg"]
    counts = sorted({n for line in lines.values() for n in line}, key=lambda n: float("inf") if n == "all" else int(n))
    if len(counts) < 2:
        return None
    figure = _figure(6, 3.5)
    axes = figure.subplots()
    for arm, line in lines.items():
        known = [count for count in counts if count in line]
        axes.plot([counts.index(count) for count in known], [line[count] for count in known], "o-", label=arm)
    axes.set(xlabel=f"{kind} frames", ylabel="SEG")
    axes.set_xticks(range(len(counts)), counts)
    axes.legend()
    return figure


def _frames(rows: dict[str, dict[str, Any]]) -> "Figure | None":
    """The test frame that was kept, with the cells each row's first seed found."""
    from skimage.segmentation import find_boundaries

    kept = {title: Path(row["picture"]) for title, row in rows.items() if Path(row["picture"]).exists()}
    if not kept:
        return None
    lines = -(-len(kept) // COLUMNS)
    figure = _figure(4 * COLUMNS, 4.2 * lines)
    panels = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, (title, path) in zip(panels, kept.items(), strict=False):
        with np.load(path) as arrays:
            image = arrays["image"].astype(np.float32)
            low, high = np.percentile(image, PERCENTILES)
            picture = np.repeat(np.clip((image - low) / max(high - low, 1e-6), 0, 1)[..., None], 3, axis=2)
            for name, colour in (("reference", (0, 1, 0)), ("predicted", (1, 0, 0))):
                picture[find_boundaries(arrays[name], mode="inner")] = colour
        axes.imshow(picture)
        axes.set_title(title, size=10)
    return figure
