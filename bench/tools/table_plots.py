"""Draw the plot of docs/tables.md from `bench/results/`; `make docs` does."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bench.common.environment import read_result
from bench.common.paths import RESULTS
from bench.common.plotting import save_plots
from bench.common.suite import described

_SETS = {
    "gowt1": "GOWT1, 01 to 02",
    "gowt1-back": "GOWT1, 02 to 01",
    "hela": "HeLa, 01 to 02",
    "hela-back": "HeLa, 02 to 01",
    "cho": "CHO, indicative",
}
_COUNTS = {"1-frame": 1, "2-frames": 2, "5-frames": 5, "": None}
"""The ends of the tables' names, and the real frames of each; all of them where there is none."""
_ALL = {"gowt1": 40, "gowt1-back": 36, "hela": 24, "hela-back": 25, "cho": 20}
"""Training frames of each set (the results count slices where frames are volumes)."""
_ARMS = {"real": "real", "both (main)": "real and synthetic"}


def _few_frames() -> Figure:
    """Plot SEG on the test frames against the number of annotated frames, each seed a dot."""
    figure, panels = plt.subplots(1, len(_SETS), figsize=(13, 2.8), constrained_layout=True)
    for axes, (data, title) in zip(panels, _SETS.items(), strict=True):
        names = {f"table-{data}-{end}".rstrip("-"): count or _ALL[data] for end, count in _COUNTS.items()}
        tables = {count: read_result(name)["rows"] for name, count in names.items() if _exists(name)}
        for number, (arm, label) in enumerate(_ARMS.items()):
            axes.plot(list(tables), [rows[arm]["seg"] for rows in tables.values()], color=f"C{number}", label=label)
            for count, rows in tables.items():
                axes.plot([count] * len(rows[arm]["seeds"]), rows[arm]["seeds"], ".", color=f"C{number}", alpha=0.6)
        axes.set_xscale("log")
        axes.set_xticks(list(tables), [str(count) for count in tables])
        axes.minorticks_off()
        axes.set(xlabel="real frames", title=title)
    panels[0].set(ylabel="SEG")
    panels[0].legend(fontsize=8)
    return figure


def _exists(name: str) -> bool:
    """Whether a table has been measured."""
    return (RESULTS / f"{name}.json").exists()


def main() -> None:
    """Draw them."""
    described(__doc__).parse_args()
    save_plots(_few_frames)
