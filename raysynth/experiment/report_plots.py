"""The pictures of a table's report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Floats
from raysynth.experiment.result import RowResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 4
_PERCENTILES = (0.5, 99.8)
_COLOURS = {"reference": (0, 1, 0), "predicted": (1, 0, 0)}

Rows = Mapping[str, RowResult]
"""What each row reached, by its title."""


def draw_curves(rows: Rows) -> "Figure":
    """Draw the mean validation SEG of the seeds of every trained row, against steps.

    Parameters
    ----------
    rows
        All rows of the table.

    Returns
    -------
    Figure
        A line for each trained row.
    """
    figure = _figure(8, 4)
    axes = figure.subplots()
    for title, row in rows.items():
        if row.gain_in_last_quarter is not None:
            steps, segs = np.mean(row.curves, axis=0).T
            axes.plot(steps, segs, label=title)
    axes.set(xlabel="steps", ylabel="validation SEG")
    axes.legend(fontsize=8)
    return figure


def draw_few_frames(rows: Rows, kind: Literal["real", "synthetic"]) -> "Figure | None":
    """Draw SEG of one arm, and of both, against the number of its frames.

    Parameters
    ----------
    rows
        All rows of the table.
    kind
        The arm, and the frames that are counted.

    Returns
    -------
    Figure or None
        None where there is one number of frames only.
    """
    lines = few_frames(rows, kind)
    counts = sorted({n for line in lines.values() for n in line}, key=lambda n: float("inf") if n == "all" else int(n))
    if len(counts) < 2:
        return None
    figure = _figure(6, 3.5)
    axes = figure.subplots()
    for arm, line in lines.items():
        known = [count for count in counts if count in line]
        # At equal distances, since "all" has no place on an axis of numbers.
        axes.plot([counts.index(count) for count in known], [line[count] for count in known], "o-", label=arm)
    axes.set(xlabel=f"{kind} frames", ylabel="SEG")
    axes.set_xticks(range(len(counts)), counts)
    axes.legend()
    return figure


def few_frames(rows: Rows, kind: Literal["real", "synthetic"]) -> dict[str, dict[str, float]]:
    """Gather SEG of one arm, and of both, at every number of its frames.

    Parameters
    ----------
    rows
        All rows of the table.
    kind
        The arm, and the frames that are counted.

    Returns
    -------
    dict of str to dict of str to float
        Arm → number of frames, or "all" → SEG. Rows with other frames of the other kind than the arm's first row, or
        with another synthetic set, are left out.
    """
    # Along the curve one number varies; the other must be that of the arm's first row.
    varied, kept = ("real_frames", "synthetic_frames")[:: 1 if kind == "real" else -1]
    lines: dict[str, dict[str, float]] = {kind: {}, "both": {}}
    first = {arm: next((row for row in rows.values() if row.arm == arm), None) for arm in lines}
    for row in rows.values():
        like = first.get(row.arm)
        if like is not None and all(getattr(row, name) == getattr(like, name) for name in ("synthetic", kept)):
            lines[row.arm][str(getattr(row, varied) or "all")] = row.seg
    return lines


def draw_scored_frames(rows: Rows) -> "Figure | None":
    """Draw the scored frame that was kept, with the cells that each row's first seed found.

    Parameters
    ----------
    rows
        All rows of the table.

    Returns
    -------
    Figure or None
        None where no frame was kept.
    """
    kept = {title: Path(row.picture) for title, row in rows.items() if Path(row.picture).exists()}
    if not kept:
        return None
    lines = -(-len(kept) // _COLUMNS)
    figure = _figure(4 * _COLUMNS, 4.2 * lines)
    panels = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, (title, path) in zip(panels, kept.items(), strict=False):
        with np.load(path) as arrays:
            axes.imshow(marked_frame(dict(arrays)))
        axes.set_title(title, size=10)
    return figure


def marked_frame(arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """Draw the outlines of reference cells, and of those that were found, on an image.

    Parameters
    ----------
    arrays
        `image` in grey values, `reference` and `predicted` labels, `(y, x)` each.

    Returns
    -------
    Floats
        Red, green, blue from 0 to 1, `(y, x, 3)`: reference green, found red above it.
    """
    from skimage.segmentation import mark_boundaries

    image = arrays["image"].astype(np.float32)
    low, high = np.percentile(image, _PERCENTILES)
    # A flat image has no range to stretch.
    picture = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
    for name, colour in _COLOURS.items():
        picture = mark_boundaries(picture, arrays[name], colour, mode="inner")
    return np.asarray(picture, np.float32)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # of the extra `eval`

    return Figure(figsize=(width, height), layout="constrained")
