"""Draw the plots of docs/performance.md from `bench/results/`; `make docs` does."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.common.environment import read_result
from bench.common.paths import RESULTS
from bench.common.plotting import save_plots
from bench.common.suite import described

_ROLES = {"composers": "composing tasks", "driver": "driver", "raylet": "raylet", "gcs": "Ray's control store"}


def _memory() -> Figure:
    """Plot the memory of the largest process of each kind over the run of 100,000 frames."""
    results = read_result("end_to_end-100k")
    figure, axes = plt.subplots(figsize=(6, 3.2))
    for role, label in _ROLES.items():
        samples = [s for s in results["memory"] if role in s["largest_mb"]]
        axes.plot([s["seconds"] / 60 for s in samples], [s["largest_mb"][role] for s in samples], label=label)
    axes.set(xlabel="minutes", ylabel="MiB without shared pages", ylim=(0, None))
    axes.legend(fontsize=8, loc="upper right", bbox_to_anchor=(1, 0.88))
    return figure


def _stages() -> Figure:
    """Plot the fraction of the time of each stage."""
    results = read_result("stages")
    figure, axes = plt.subplots(figsize=(7, 0.7 + 0.6 * len(results)))
    names = list(dict.fromkeys(stage for row in results.values() for stage in row["milliseconds_a_cell"]))
    colours = {name: f"C{i}" for i, name in enumerate(names)}
    for y, row in enumerate(results.values()):
        left = 0.0
        for name, share in row["share"].items():
            axes.barh(y, share, left=left, color=colours[name])
            left += share
    axes.set_yticks(
        range(len(results)), [f"{name}\n{row['cells_a_second']:.2g} cells/s" for name, row in results.items()]
    )
    axes.set(xlabel="fraction of the time of one process", xlim=(0, 1))
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in colours.values()]
    axes.legend(handles, colours, fontsize=7, ncols=4, loc="lower center", bbox_to_anchor=(0.4, 1))
    return figure


def _overhead() -> Figure:
    """Plot weak scaling over stages of fixed cost."""
    rows = read_result("overhead")["runs"]
    figure, axes = plt.subplots(figsize=(5, 3.2))
    actors = [row["actors"] for row in rows]
    axes.semilogx(actors, [100 * row["efficiency"] for row in rows], marker="o", base=2)
    axes.axhline(95, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xticks(actors, [str(n) for n in actors])
    axes.set(xlabel="actors", ylabel="% of their time spent in shards", ylim=(80, 101))
    return figure


def _scaling() -> Figure:
    """Plot strong and weak scaling of the real cascade, one panel for each configuration that was measured."""
    files = sorted(RESULTS.glob("scaling-*.json"))
    figure, panels = plt.subplots(1, len(files), figsize=(5 * len(files), 3.2), squeeze=False)
    for axes, file in zip(panels[0], files, strict=True):
        for kind, rows in read_result(file.stem).items():
            actors, rates = zip(*((row["actors"], row["cells_a_second"]) for row in rows), strict=True)
            (line,) = axes.plot(actors, rates, marker="o", label=kind)
            linear = [rates[0] * n / actors[0] for n in actors]
            axes.plot(actors, linear, color=line.get_color(), linewidth=0.8, linestyle="--")
        axes.set_xticks(actors)
        axes.set(title=file.stem.removeprefix("scaling-"), xlabel="actors", ylabel="cells/s", ylim=(0, None))
        axes.legend(fontsize=8)
    return figure


def _composition() -> Figure:
    """Plot the cost of placing against the number of cells in one volume."""
    rows = read_result("composition")["placing"].values()
    figure, axes = plt.subplots(figsize=(5, 3.2))
    axes.loglog([row["cells"] for row in rows], [row["median_s"] for row in rows], marker="o")
    axes.set(xlabel="cells in one volume", ylabel="seconds to place them")
    return figure


def main() -> None:
    """Draw them."""
    described(__doc__).parse_args()
    save_plots(_memory, _stages, _overhead, _scaling, _composition)
