"""Plots of what `raysynth evaluate` measures."""

from pathlib import Path

import numpy as np

from raysynth.base.errors import InputError
from raysynth.measures.cell_metrics import Comparison

COLUMNS = 3


def plots_folder(folder: Path) -> Path:
    """Make the folder for plots; InputError when it cannot be, or without matplotlib."""
    try:
        import matplotlib  # noqa: F401 (whether it is there, before any work)
    except ImportError:
        raise InputError("--plots needs matplotlib: pip install 'raysynth[eval]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--plots {folder}: cannot be made ({error.strerror}): choose another folder") from None
    return folder


def draw_morphology(result: Comparison, folder: Path) -> Path:
    """Histograms of every figure of both sets and their edge profiles, as `morphology.png`; returns the file."""
    from matplotlib.figure import Figure  # of the extra `eval`

    names = list(result.distances)
    rows = -(-(len(names) + 1) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        pair = result.a.values[name], result.b.values[name]
        bins = np.histogram_bin_edges(np.concatenate(pair), 25)
        for values, label in zip(pair, ("A", "B"), strict=True):
            axes.hist(values, bins, density=True, histtype="step", label=label)
        axes.set(xlabel=name.replace("_", " "), yticks=[])
        axes.set_title(
            f"KS {result.distances[name].ks:.2f} (halves of A {result.distances[name].ks_halves:.2f})", size=9
        )
    for cells, label in zip((result.a, result.b), ("A", "B"), strict=True):
        panels[len(names)].plot(cells.profile.distance_px, cells.profile.relative, label=label)
    panels[len(names)].set(xlabel="px inside the outline", ylabel="relative brightness")
    for axes in panels[len(names) + 1 :]:
        axes.remove()
    panels[0].legend(
        title=f"A: {Path(result.names[0]).name}\nB: {Path(result.names[1]).name}", fontsize=8, title_fontsize=8
    )
    file = folder / "morphology.png"
    figure.savefig(file, dpi=110)
    return file
