"""Figures of the pages, written into `docs/images/`."""

from collections.abc import Callable

import matplotlib
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bench.common.paths import IMAGES

matplotlib.use("Agg")


def save_plots(*draws: Callable[[], Figure]) -> None:
    """Draw figures into `docs/images/`.

    Parameters
    ----------
    *draws
        Each returns a figure, which is closed afterwards; its file takes the function's name, without a leading `_`.
    """
    for draw in draws:
        figure = draw()
        figure.savefig(IMAGES / f"{draw.__name__.removeprefix('_')}.png", dpi=110, bbox_inches="tight")
        plt.close(figure)
