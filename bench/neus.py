"""How near NeuS comes to known shapes, and how fast: against the truth and the visual hull of the same views.

    python bench/neus.py [--cells 16]

Star-shaped cells drawn like SyncDreamer's training shapes are seen by 16 or 8 spread cameras at 32 or 64 pixels; NeuS
is fitted to these true silhouettes with the default settings and compared at 96 voxels a side. Writes
`bench/results/neus.json`.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from environment import save_result
from torch import Tensor

from raysynth.cascade.diffusion import padded_batches
from raysynth.cascade.surface import Surfaces, fit
from raysynth.config import ShapesConfig, SurfaceConfig
from raysynth.geometry import harmonics
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, project, soft_masks
from raysynth.seeds import Stage, generator

SEED = 2
GRID = 96
TRUNCATION_PX = 4.0
SETTINGS = ((32, 16), (64, 16), (32, 8))
"""Pixels of a view and number of views."""


class Clock:
    """Wall and processor seconds of a block: on a shared machine only the second is the work's own."""

    wall = cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the time spent inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def each(self, cells: int) -> dict[str, float]:
        """Seconds a cell."""
        return {"wall_s_a_cell": round(self.wall / cells, 3), "cpu_s_a_cell": round(self.cpu / cells, 3)}


def volume_iou(fields: Tensor, truth: Tensor) -> dict[str, float]:
    """Volume IoU of fields `(b, z, y, x)` with the true ones, and the volumes' mean ratio."""
    a, b = (fields > 0).flatten(1), (truth > 0).flatten(1)
    ious = (a & b).sum(dim=1) / (a | b).sum(dim=1)
    ratio = (a.sum(dim=1) / b.sum(dim=1)).mean()
    figures = {"mean": ious.mean(), "p5": ious.quantile(0.05), "least": ious.min(), "volume_ratio": ratio}
    return {name: round(float(value), 4) for name, value in figures.items()}


def fit_all(views: Tensor, cameras: Tensor, config: SurfaceConfig, clock: Clock) -> Tensor:
    """Fields `(b, GRID, GRID, GRID)` of all cells, fitted in batches of the configured size as generation does."""
    fields = []
    for batch, count in padded_batches(range(len(views)), config.batch):
        with clock.running():
            surfaces: Surfaces = fit(views[batch], cameras, config)
        fields.append(surfaces.fields(GRID)[:count])
    return torch.cat(fields)


def measure(truth: Tensor, side: int, count: int, config: SurfaceConfig) -> dict[str, object]:
    """NeuS and the visual hull from `count` views of `side` pixels of the true fields `(b, z, y, x)`."""
    cameras, clock = layout("spread", count), Clock()
    views = soft_masks(project(truth, cameras, side, GRID), TRUNCATION_PX)
    fields = fit_all(views, cameras, config, clock)
    return {
        "view_px": side,
        "views": count,
        "neus_iou": volume_iou(fields, truth),
        "hull_iou": volume_iou(carve(views, cameras, GRID), truth),
        "all_at_once": clock.each(len(truth)),
    }


def alone(truth: Tensor, config: SurfaceConfig) -> dict[str, float]:
    """Seconds of one cell fitted in a batch of one."""
    cameras, clock = layout("spread", 16), Clock()
    views = soft_masks(project(truth[:1], cameras, 32, GRID), TRUNCATION_PX)
    fit_all(views, cameras, config.model_copy(update={"batch": 1}), clock)
    return clock.each(1)


def main() -> None:
    """Measure the default settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=16)
    cells = parser.parse_args().cells
    config = SurfaceConfig()
    rngs = [generator(SEED, 0, Stage.EVALUATION, i) for i in range(cells)]
    truth = harmonics.fields(harmonics.draw(rngs, ShapesConfig()), GRID)
    rows = []
    for side, count in SETTINGS:
        rows.append(measure(truth, side, count, config))
        print(rows[-1], flush=True)
    figures = {"cells": cells, "settings": config.model_dump(), "rows": rows, "one_alone": alone(truth, config)}
    save_result("neus", figures)


if __name__ == "__main__":
    main()
