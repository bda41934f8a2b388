"""Measure how near NeuS comes to known shapes from their true silhouettes, beside the visual hull of the same views.

    python -m bench surfaces [--cells 128] [--others 32]

Five families of shapes (`shape_families.py`) are seen by 16 or 8 spread cameras at 32 or 64 pixels. NeuS is fitted with
the default settings and compared at 96 voxels a side. Every surface is meshed too: is the mesh closed, and is its
volume that of its voxels, on the fine grid and on those of `embryo-3d`? Writes `bench/results/surfaces.json`.
"""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.common.environment import save_result
from bench.common.shape_families import FAMILIES, held_out
from bench.common.suite import described
from raysynth.base.sampling import equal_batches
from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import layout
from raysynth.geometry.meshes import surface_mesh
from raysynth.geometry.silhouettes import carve, project, soft_masks
from raysynth.geometry.slicing import slices
from raysynth.surfaces.fitting import Surfaces, fit_surfaces

_GRID = 96
_TRUNCATION = 8 / 64
"""Truncation of the soft masks as a fraction of a view's side."""

_SETTINGS = ((64, 16), (64, 8), (32, 16))
"""Pixels of a view and number of views."""

_HALF_UM, _VOXEL_UM = (13.0, 8.5, 8.5), (1.75, 0.8, 0.8)
"""A usual nucleus of `embryo-3d` in its cube, and the voxels of that data set."""


def _volume_iou(fields: Tensor, truth: Tensor) -> Tensor:
    """Compute the volume IoU `(b,)` of fields `(b, z, y, x)` with the true ones."""
    a, b = (fields > 0).flatten(1), (truth > 0).flatten(1)
    return (a & b).sum(dim=1) / (a | b).sum(dim=1)


def _summary(values: Tensor) -> dict[str, float]:
    """Compute mean, fifth percentile and least."""
    results = {"mean": values.mean(), "p5": values.quantile(0.05), "least": values.min()}
    return {name: round(float(value), 4) for name, value in results.items()}


def _fit_all(views: Tensor, cameras: Tensor, config: SurfaceConfig) -> list[tuple[Surfaces, int]]:
    """Fit surfaces in batches as generation does; return each batch and how many of it count."""
    return [
        (fit_surfaces(views[batch], cameras, config), n) for batch, n in equal_batches(range(len(views)), config.batch)
    ]


def _meshes(surfaces: Surfaces, count: int) -> Tensor:
    """Mesh cells; `(count, 3)`: whether closed, mesh volume over that of fine voxels, and of the data's voxels."""
    rows = []
    for cell in range(count):
        field = partial(surfaces.on_grid, cell)
        mesh = surface_mesh(field, _HALF_UM)
        fine = slices(field, _HALF_UM, tuple(2 * half / _GRID for half in _HALF_UM))
        coarse = slices(field, _HALF_UM, _VOXEL_UM)
        volumes = [
            fine.sum() * np.prod([2 * half / _GRID for half in _HALF_UM]),
            coarse.sum() * np.prod(_VOXEL_UM),
        ]
        rows.append([float(mesh.is_watertight), *(mesh.volume / volume for volume in volumes)])
    return torch.tensor(rows)


def _measure(name: str, truth: Tensor, side: int, count: int, config: SurfaceConfig) -> dict[str, Any]:
    """Measure NeuS and the visual hull from `count` views of `side` pixels of the true fields `(b, z, y, x)`."""
    cameras = layout("spread", count)
    views = soft_masks(project(truth, cameras, side, _GRID), _TRUNCATION * side)
    fitted = _fit_all(views, cameras, config)
    fields = torch.cat([surfaces.fields(_GRID)[:kept] for surfaces, kept in fitted])
    row: dict[str, Any] = {
        "family": name,
        "cells": len(truth),
        "view_px": side,
        "views": count,
        "neus_iou": _summary(_volume_iou(fields, truth)),
        "hull_iou": _summary(_volume_iou(carve(views, cameras, _GRID), truth)),
    }
    if (side, count) == _SETTINGS[0]:
        closed, fine, coarse = torch.cat([_meshes(*batch) for batch in fitted]).T
        row["meshes_watertight"] = float(closed.mean())
        row["mesh_over_fine_voxels"] = _summary(1 - (fine - 1).abs())
        row["mesh_over_data_voxels"] = _summary(1 - (coarse - 1).abs())
    return row


def main() -> None:
    """Measure the default settings."""
    parser = described(__doc__)
    parser.add_argument("--cells", type=int, default=128)
    parser.add_argument("--others", type=int, default=32, help="cells of each family but the first")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    config, rows = SurfaceConfig(), []
    for name, family in FAMILIES.items():
        cells = chosen.cells if name == "measured" else chosen.others
        truth = torch.cat([family([rng], _GRID) for rng in held_out(cells)])
        for side, count in _SETTINGS:
            rows.append(_measure(name, truth, side, count, config))
            print(rows[-1], flush=True)
    save_result("surfaces", {"settings": config.model_dump(), "rows": rows})
