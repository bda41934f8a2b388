"""The cells of two sets of frames, metric by metric, beside the two halves of the real set."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from raysynth.base.errors import InputError
from raysynth.base.progress import Progress, no_progress
from raysynth.base.reports import Report
from raysynth.base.seeds import Stage, generator
from raysynth.measures.cell_values import MEASURING_SEED, MeasuredCells, measure_cells
from raysynth.measures.frame_sets import FrameSet, frame_set
from raysynth.measures.morphology import Distance, EdgeDistance, compare_edges, compare_samples
from raysynth.measures.plots import draw_morphology, plots_folder

_FRAMES = 100
"""Frames of each set, at most, evenly spaced."""


@dataclass(frozen=True)
class MorphologyReport(Report):
    """Two sets of cells, measured in one unit, and how far apart each metric's distributions are.

    Attributes
    ----------
    names
        Addresses of the real set and of the other.
    a
        The cells of the real set.
    b
        Those of the other set.
    unit
        "um", or "px" where the voxel size of a set is not known.
    distances
        The distances by the metric's name.
    edge
        That of the edge profiles.
    plots
        File of the plots; None: not drawn.
    """

    names: tuple[str, str]
    a: MeasuredCells
    b: MeasuredCells
    unit: str
    distances: dict[str, Distance]
    edge: EdgeDistance
    plots: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what `raysynth evaluate morphology --json` writes.

        Returns
        -------
        dict
            Names of the sets, numbers of cells, unit, and the distances of each metric.
        """
        counts = [len(cells.edges) for cells in (self.a, self.b)]
        about = {"a": self.names[0], "b": self.names[1], "cells": f"{counts[0]}/{counts[1]}", "unit": self.unit}
        found = about | {name: asdict(d) for name, d in self.distances.items()} | {"edge_profile": asdict(self.edge)}
        return found if self.plots is None else found | {"plots": str(self.plots)}


def voxel_size(text: str) -> tuple[float, ...]:
    """Read a voxel size.

    Parameters
    ----------
    text
        `z,y,x` or `y,x` in µm.

    Returns
    -------
    tuple of float
        In that order.

    Raises
    ------
    InputError
        For anything else.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in (2, 3) or not all(0 < value < np.inf for value in values):
        raise InputError(f"--voxel-um {text} is no voxel size: give Z,Y,X or Y,X in µm, such as 1.0,0.2,0.2.")
    return values


def compare_cells(
    a: str,
    b: str,
    voxel_um: tuple[float, ...] | None = None,
    plots: Path | None = None,
    *,
    progress: Progress = no_progress,
) -> MorphologyReport:
    """Compare the cells of two sets of frames, and draw the distributions where asked for.

    Parameters
    ----------
    a
        Address of the real set, as `frame_set` takes it.
    b
        Address of the other set.
    voxel_um
        Size of a voxel z, y, x (2D: y, x) in µm, of sets that store none.
    plots
        Folder for `morphology.png`, made where it is missing; None: draw nothing.
    progress
        Called after each frame.

    Returns
    -------
    MorphologyReport
        All metrics and their distances.

    Raises
    ------
    InputError
        For addresses that hold no such set, sets of different dimensions or without whole cells, and plots that
        cannot be written.
    """
    real, other = frame_set(a), frame_set(b)
    folder = None if plots is None else plots_folder(plots)
    found = compare_sets(real, other, voxel_um, progress=progress)
    if folder is None:
        return found
    return replace(found, plots=draw_morphology(found.names, (found.a, found.b), found.distances, folder))


def compare_sets(
    a: FrameSet, b: FrameSet, voxel_um: tuple[float, ...] | None = None, *, progress: Progress = no_progress
) -> MorphologyReport:
    """Compare the cells of two sets of frames.

    Parameters
    ----------
    a
        The real set.
    b
        The other set.
    voxel_um
        Size of a voxel z, y, x (2D: y, x) in µm, of sets that store none. Lengths are in pixels where it stays
        unknown for one of them.
    progress
        Called after each frame.

    Returns
    -------
    MorphologyReport
        All metrics and their distances.

    Raises
    ------
    InputError
        For sets of different dimensions, and for sets without whole cells.
    """
    a, b = a.some(_FRAMES), b.some(_FRAMES)
    sizes = [frames.voxel_um or voxel_um for frames in (a, b)]
    unit = "px" if None in sizes else "um"
    # Pixels of one set cannot be compared with micrometres of the other.
    if unit == "px":
        sizes = [None, None]
    total = len(a.frames) + len(b.frames)
    real = measure_cells(a, sizes[0], lambda done: progress(done, total))
    other = measure_cells(b, sizes[1], lambda done: progress(len(a.frames) + done, total))
    if real.dimensions != other.dimensions:
        raise InputError(
            f"{a.name} is {real.dimensions}D and {b.name} is {other.dimensions}D: compare sets of the same kind."
        )
    # One generator for all metrics, in their order: it draws the halves of the real set.
    rng = generator(MEASURING_SEED, 0, Stage.EVALUATION, 0)
    distances = {name: compare_samples(real.values[name], other.values[name], rng) for name in real.values}
    edge = compare_edges(real.edges, other.edges, rng)
    return MorphologyReport((a.name, b.name), real, other, unit, distances, edge)
