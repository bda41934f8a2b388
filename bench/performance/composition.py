"""Measure how many cells find a place in a frame, how fast, and what whole frames cost.

    python -m bench composition [--suite YAML] [--repeats 5] [--counts 100 1000 10000]

The authors' script (Yilmaz et al., p = 1, cells held to an ellipse around the frame's centre) places 27 of 45 cells of
64x64 crops on 448x644 in 5.9 s on one core. Its ellipse has semi-axes of 100x150 px and asks only for a cell's centre.
Ours holds whole cells, so the authors' rule is measured too, by an ellipse grown by a cell's radius. So is the other
reading of "100x150": whole axes. Cells of 28 px are typical of 64 px crops; 42 px are the largest they are made for.

Whole frames are made as `generate` makes them: cells chosen, turned, placed and blended, background and noise between
them, labels. Their statistics are those of the `embryo-3d` bundle; the authors' frame takes those of `nuclei-2d`.
Seconds are the process's own CPU time, median and least over the repeats (one for whole frames of the large volume).
Writes `bench/results/composition.json`.
"""

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bench.common.environment import save_result
from bench.common.paths import CONFIGS
from bench.common.suite import described, suite_options
from raysynth.cascade.bundle import open_bundle
from raysynth.config.reading import load
from raysynth.population.cell import Cell
from raysynth.population.frame_composer import FrameComposer
from raysynth.population.placement import Rules, place
from raysynth.population.settings import CompositionSettings
from raysynth.preparation.statistics import Region

_AUTHORS = {"placed": 27, "seconds": 5.9}
_CANVAS = (448, 644)
_DIAMETERS_PX = (28, 42)
_VOLUME, _LARGE_VOLUME = (64, 512, 512), (96, 1024, 1024)
_RING, _DIFFERENT_CELLS = 3, 200

_Mask = NDArray[np.bool_]


def _nucleus(rng: Generator, radius: Sequence[float]) -> _Mask:
    """Draw an ellipse or ellipsoid with the given mean semi-axes in voxels, each varied by 15 %, trimmed to its box."""
    axes = [r * np.exp(0.15 * rng.standard_normal()) for r in radius]
    squares = [(np.arange(-np.ceil(a), np.ceil(a) + 1) / a) ** 2 for a in axes]
    mask = np.asarray(sum(np.ix_(*squares)) < 1)
    kept = [np.flatnonzero(mask.any(axis=tuple(j for j in range(mask.ndim) if j != i))) for i in range(mask.ndim)]
    return mask[tuple(slice(k[0], k[-1] + 1) for k in kept)]


def _measure(masks: Sequence[_Mask], frame: tuple[int, ...], rules: Rules, repeats: int) -> dict[str, Any]:
    """Count the cells placed (mean and least over seeds) and the CPU seconds of placing those of one frame."""
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
        "median_s": median(seconds),
        "least_s": min(seconds),
        "microseconds_a_cell": 1e6 * median(seconds) / len(masks),
    }


def _authors_setting(rng: Generator, diameter: float, repeats: int) -> dict[str, Any]:
    """Place 45 nuclei on the authors' canvas: open, and in their ellipse."""
    radius = diameter / 2
    masks = [_nucleus(rng, (radius, radius)) for _ in range(45)]

    def ellipse(y: float, x: float) -> Region:
        return Region(centre_px=(_CANVAS[0] // 2, _CANVAS[1] // 2), semi_axes_px=(y, x))

    settings = {
        "open canvas, p = 0": Rules(0.0),
        "open canvas, p = 1": Rules(1.0),
        "ellipse of semi-axes 100x150, p = 1": Rules(1.0, region=ellipse(100, 150)),
        "the same, centres inside": Rules(1.0, region=ellipse(100 + radius, 150 + radius)),
        "ellipse of axes 100x150, p = 1": Rules(1.0, region=ellipse(50, 75)),
    }
    results = {name: _measure(masks, _CANVAS, rules, repeats) for name, rules in settings.items()}
    return {name: {**r, "times_faster": _AUTHORS["seconds"] / r["median_s"]} for name, r in results.items()}


def _volumes(rng: Generator, repeats: int) -> dict[str, Any]:
    """Place 200 nuclei in 64 x 512 x 512 voxels."""
    masks = [_nucleus(rng, (8, 12, 12)) for _ in range(200)]
    return {f"p = {p}": _measure(masks, _VOLUME, Rules(p, z_scale=1.5), repeats) for p in (0.0, 0.5, 1.0)}


def _placing(rng: Generator, counts: Sequence[int], repeats: int) -> dict[str, Any]:
    """Place more and more cells in one large volume."""
    masks = [_nucleus(rng, (4, 8, 8)) for _ in range(max(counts))]
    return {str(n): _measure(masks[:n], _LARGE_VOLUME, Rules(0.5, z_scale=1.5), repeats) for n in counts}


def _composer(bundle: str, frame: tuple[int, ...], cells: int, shapes: Sequence[_Mask]) -> FrameComposer:
    """Compose frames of `cells` cells with smooth textures, whose masks take turns in `shapes`."""
    settings = [f"population.frame_px={list(frame)}", f"population.cells=[{cells}, {cells}]", "population.region=none"]
    statistics = open_bundle(bundle).info.statistics
    rng = np.random.default_rng(1)
    made = []
    for mask in shapes:
        grown = (*mask.shape[:-2], mask.shape[-2] + 2 * _RING, mask.shape[-1] + 2 * _RING)
        texture = np.full(grown, 0.1, np.float16)
        texture[..., _RING:-_RING, _RING:-_RING][mask] = rng.uniform(0.4, 0.8, int(mask.sum()))
        made.append(Cell(mask, texture, _RING))
    composition = CompositionSettings.of(load(CONFIGS / f"{bundle}.yaml", settings))
    return FrameComposer(made, statistics, composition, 0, 0)


def _whole_frames(
    bundle: str, frame: tuple[int, ...], cells: int, shapes: Sequence[_Mask], repeats: int
) -> dict[str, Any]:
    """Time whole frames, CPU seconds."""
    made, seconds, placed = _composer(bundle, frame, cells, shapes), [], []
    for index in range(repeats):
        start = time.process_time()
        placement = made.frame(index).placement
        seconds.append(time.process_time() - start)
        placed.append(int(placement.placed.sum()))
    return {"cells": cells, "placed_least": min(placed), "median_s": median(seconds), "least_s": min(seconds)}


def main() -> None:
    """Measure all and save."""
    arguments = described(__doc__)
    arguments.add_argument("--repeats", type=int)
    arguments.add_argument("--counts", type=int, nargs="+", help="cells in one large volume")
    chosen = suite_options(arguments, "composition")
    rng, repeats = np.random.default_rng(0), chosen.repeats
    results: dict[str, Any] = {"authors": _AUTHORS, "large_volume": list(_LARGE_VOLUME)}
    results["ours"] = {f"cells of {d} px": _authors_setting(rng, d, repeats) for d in _DIAMETERS_PX}
    results["volumes"], results["placing"] = _volumes(rng, repeats), _placing(rng, chosen.counts, repeats)
    flat, tall = ([_nucleus(rng, r) for _ in range(_DIFFERENT_CELLS)] for r in ((14, 14), (8, 12, 12)))
    small = [_nucleus(rng, (4, 8, 8)) for _ in range(_DIFFERENT_CELLS)]
    results["whole_frames"] = {
        "45 cells, 448x644": _whole_frames("nuclei-2d", _CANVAS, 45, flat, repeats),
        "200 cells, 64x512x512": _whole_frames("embryo-3d", _VOLUME, 200, tall, repeats),
    } | {
        f"{n} cells, {'x'.join(map(str, _LARGE_VOLUME))}": _whole_frames("embryo-3d", _LARGE_VOLUME, n, small, 1)
        for n in chosen.counts
    }
    print(results["placing"], results["whole_frames"], sep="\n")
    save_result("composition", results)
