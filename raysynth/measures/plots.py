"""Plots of what `raysynth evaluate` measures."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from raysynth.base.errors import InputError
from raysynth.measures.cell_values import MeasuredCells
from raysynth.measures.morphology import Distance

_COLUMNS = 3
_BINS = 25


def plots_folder(folder: Path) -> Path:
    """Make the folder for plots.

    Parameters
    ----------
    folder
        Where plots shall go.

    Returns
    -------
    Path
        The same folder.

    Raises
    ------
    InputError
        When it cannot be made, and without matplotlib.
    """
    try:
        import matplotlib  # noqa: F401 (whether it is there, before any work)
    except ImportError:
        raise InputError("--plots needs matplotlib: pip install 'raysynth[eval]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--plots {folder}: cannot be made ({error.strerror}): choose another folder") from None
    return folder


def draw_morphology(
    names: tuple[str, str],
    cells: tuple[MeasuredCells, MeasuredCells],
    distances: Mapping[str, Distance],
    folder: Path,
) -> Path:
    """Draw histograms of every metric of two sets, and their edge profiles.

    Parameters
    ----------
    names
        Addresses of the real set, A, and of the other, B.
    cells
        Their cells.
    distances
        The distances by the metric's name.
    folder
        Where the plots go.

    Returns
    -------
    Path
        The file, `morphology.png`.
    """
    from matplotlib.figure import Figure  # of the extra `eval`

    # Rounded up, with one more panel for the edge profiles.
    rows = -(-(len(distances) + 1) // _COLUMNS)
    figure = Figure(figsize=(4 * _COLUMNS, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, (name, distance) in zip(panels, distances.items(), strict=False):
        pair = [each.values[name] for each in cells]
        # The same bins for both, or their heights could not be compared.
        bins = np.histogram_bin_edges(np.concatenate(pair), _BINS)
        for values, label in zip(pair, "AB", strict=True):
            axes.hist(values, bins, density=True, histtype="step", label=label)
        axes.set(xlabel=name.replace("_", " "), yticks=[])
        axes.set_title(f"KS {distance.ks:.2f} (halves of A {distance.ks_halves:.2f})", size=9)
    profiles = panels[len(distances)]
    for each, label in zip(cells, "AB", strict=True):
        profiles.plot(each.profile.distance_px, each.profile.relative, label=label)
    profiles.set(xlabel="px inside the outline", ylabel="relative brightness")
    for axes in panels[len(distances) + 1 :]:
        axes.remove()
    title = "\n".join(f"{label}: {Path(name).name}" for label, name in zip("AB", names, strict=True))
    panels[0].legend(title=title, fontsize=8, title_fontsize=8)
    file = folder / "morphology.png"
    figure.savefig(file, dpi=110)
    return file
