"""Draw the plots of docs/geometry.md from `bench/results/`; `make docs` does."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bench.common.environment import read_result
from bench.common.plotting import save_plots
from bench.common.suite import described
from raysynth.config import GateConfig

_NAMES = {
    "training": "real, training embryos",
    "validation": "real, validation embryos",
    "fitted": "fitted spectrum",
    "generated": "generated",
    "plain": "plain spherical harmonics",
}
_FIGURES = {
    "volume_um3": "volume, µm³",
    "height_to_width": "height over width",
    "sphericity": "sphericity",
    "solidity": "solidity",
}


def _spectrum() -> Figure:
    """Plot the power of each degree: real cells, the fit, what is generated."""
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for name, label in _NAMES.items():
        values = read_result("shapes")["spectrum"][name]
        style = "--" if name == "fitted" else "-"
        axes.semilogy(range(1, len(values) + 1), values, style, marker="o", markersize=3, label=label)
    axes.set(xlabel="degree", ylabel="mean square of log radius")
    axes.legend(fontsize=8)
    return figure


def _shapes() -> Figure:
    """Plot the quantiles of each measure: real against generated and plain."""
    rows = read_result("shapes")["smoothed_by_1_px"]
    figure, panels = plt.subplots(1, 4, figsize=(10, 2.8), sharey=True)
    for axes, (key, label) in zip(panels, _FIGURES.items(), strict=True):
        for name in ("validation", "training", "generated", "plain"):
            axes.plot(rows[key][f"quantiles_{name}"], (5, 25, 50, 75, 95), marker="o", markersize=3, label=_NAMES[name])
        axes.set(xlabel=label)
    panels[0].set(ylabel="percentile")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="upper center", ncols=4, fontsize=8)
    return figure


def _gate() -> Figure:
    """Plot what a threshold rejects, and how good the rest is."""
    curve = [row for row in read_result("views")["of_together"]["gate"] if "mask_iou" in row]
    threshold = [row["min_iou"] for row in curve]
    figure, axes = plt.subplots(figsize=(6, 3.6))
    axes.plot(threshold, [row["rejected"] for row in curve], color="tab:red", marker="o", markersize=3)
    axes.set(xlabel="gate.min_iou")
    axes.set_ylabel("fraction rejected", color="tab:red")
    right = axes.twinx()
    for name, label in (("mask_iou", "conditioning mask"), ("view_iou", "predicted views")):
        right.plot(threshold, [row[name] for row in curve], marker="s", markersize=3, label=label)
    right.set_ylabel("mean IoU of what passes")
    right.legend(fontsize=8, loc="upper left")
    axes.axvline(GateConfig().min_iou, color="grey", linewidth=0.8)
    return figure


def _batches() -> Figure:
    """Plot seconds per cell against the number of cells at once."""
    results = read_result("geometry")
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for stage, label in (("surface", "NeuS, batched"), ("views", "16 views of 64 px")):
        rows = results[stage]["rows"]
        axes.loglog([row["cells"] for row in rows], [row["s_a_cell"] for row in rows], marker="o", label=label)
    axes.axhline(results["surface"]["plain_neus"]["s_a_cell"], color="grey", linestyle="--", label="plain NeuS")
    axes.set(xlabel="cells at once", ylabel="seconds per cell")
    axes.legend(fontsize=8)
    return figure


def main() -> None:
    """Draw them."""
    described(__doc__).parse_args()
    save_plots(_spectrum, _shapes, _gate, _batches)
