"""How many cells find a place, and how fast.

    python bench/placement.py

The authors' script (Yilmaz et al., p = 1, cells held to an ellipse around the frame's centre) places 27 of 45 cells of
64x64 crops on 448x644 in 5.9 s on one core. Its ellipse has semi-axes of 100x150 px and asks only for a cell's centre;
ours holds whole cells, so the second rule is measured too, by an ellipse grown by a cell's radius, and so is the other
reading of "100x150", whole axes. Cells of 28 px are typical for 64 px crops, of 42 px the largest they are made for.
Seconds are the process's own CPU time, the least of several runs. Writes `bench/results/placement.json`.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from environment import save_result
from numpy.random import Generator
from numpy.typing import NDArray

from raysynth.data.statistics import Region
from raysynth.population.placement import Rules, place

AUTHORS = {"placed": 27, "seconds": 5.9}
CANVAS = (448, 644)
DIAMETERS_PX = (28, 42)
REPEATS = 5

Mask = NDArray[np.bool_]


def nucleus(rng: Generator, radius: Sequence[float]) -> Mask:
    """An ellipse or ellipsoid with the given mean semi-axes in voxels, each varied by 15 %, trimmed to its box."""
    axes = [r * np.exp(0.15 * rng.standard_normal()) for r in radius]
    squares = [(np.arange(-np.ceil(a), np.ceil(a) + 1) / a) ** 2 for a in axes]
    mask = np.asarray(sum(np.ix_(*squares)) < 1)
    kept = [np.flatnonzero(mask.any(axis=tuple(j for j in range(mask.ndim) if j != i))) for i in range(mask.ndim)]
    return mask[tuple(slice(k[0], k[-1] + 1) for k in kept)]


def measure(masks: Sequence[Mask], frame: tuple[int, ...], rules: Rules, repeats: int = REPEATS) -> dict[str, Any]:
    """Cells placed (mean and least over seeds) and the least CPU seconds of one frame."""
    placed, seconds = [], []
    for seed in range(repeats):
        start = time.process_time()
        placement = place(masks, frame, rules, np.random.default_rng(seed))
        seconds.append(time.process_time() - start)
        placed.append(int(placement.placed.sum()))
    return {
        "cells": len(masks),
        "placed_mean": float(np.mean(placed)),
        "placed_least": min(placed),
        "seconds": min(seconds),
        "microseconds_a_cell": 1e6 * min(seconds) / len(masks),
    }


def authors_setting(rng: Generator, diameter: float) -> dict[str, Any]:
    """45 nuclei on the authors' canvas: open, and in their ellipse."""
    radius = diameter / 2
    masks = [nucleus(rng, (radius, radius)) for _ in range(45)]

    def ellipse(y: float, x: float) -> Region:
        return Region(centre_px=(CANVAS[0] // 2, CANVAS[1] // 2), semi_axes_px=(y, x))

    settings = {
        "open canvas, p = 0": Rules(0.0),
        "open canvas, p = 1": Rules(1.0),
        "ellipse of semi-axes 100x150, p = 1": Rules(1.0, region=ellipse(100, 150)),
        "the same, centres inside": Rules(1.0, region=ellipse(100 + radius, 150 + radius)),
        "ellipse of axes 100x150, p = 1": Rules(1.0, region=ellipse(50, 75)),
    }
    results = {name: measure(masks, CANVAS, rules) for name, rules in settings.items()}
    return {name: {**r, "times_faster": AUTHORS["seconds"] / r["seconds"]} for name, r in results.items()}


def volumes(rng: Generator) -> dict[str, Any]:
    """200 nuclei in 64 x 512 x 512 voxels."""
    masks = [nucleus(rng, (8, 12, 12)) for _ in range(200)]
    return {f"p = {p}": measure(masks, (64, 512, 512), Rules(p, z_scale=1.5)) for p in (0.0, 0.5, 1.0)}


def scaling(rng: Generator) -> dict[str, Any]:
    """Frames that grow with their cells, a quarter covered."""
    results = {}
    for count in (100, 1000, 10000):
        masks = [nucleus(rng, (8, 8)) for _ in range(count)]
        side = int(np.sqrt(4 * sum(mask.sum() for mask in masks)))
        results[f"{count} cells"] = measure(masks, (side, side), Rules(0.5), repeats=3)
    return results


def main() -> None:
    """Measure all and save."""
    rng = np.random.default_rng(0)
    ours = {f"cells of {diameter} px": authors_setting(rng, diameter) for diameter in DIAMETERS_PX}
    save_result("placement", {"authors": AUTHORS, "ours": ours, "volumes": volumes(rng), "scaling": scaling(rng)})


if __name__ == "__main__":
    main()
