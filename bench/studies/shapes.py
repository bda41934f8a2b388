"""Compare generated solids with the shapes of real cells that the fit has not seen.

    python -m bench shapes embryo-3d configs/embryo-3d.yaml [--cells 500]

Volume, height over width, sphericity and solidity of generated cells (masks, views, surface, gate, slices) stand
against those of the whole real cells of the validation split, as Kolmogorov-Smirnov distances. Beside them stand the
distances of one random half of the real cells from the other, of the training cells, and of plain spherical harmonics.
The last are the paper's ablation: the same masks' widths, no SyncDreamer, constants for the measured spectrum.
Sphericity and solidity are those of surfaces smoothed by one in-plane pixel; those without smoothing and with two
pixels are kept too, and the spectrum of all. Writes `bench/results/shapes.json`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bench.common.environment import save_result
from bench.common.shape_families import held_out
from bench.common.suite import described
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.cascade import open_cascade
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.geometry import stars
from raysynth.geometry.moments import degree_power
from raysynth.geometry.radial import coefficients
from raysynth.geometry.slicing import slices
from raysynth.geometry.spectrum import Spectrum
from raysynth.measures.shape import SHAPE_METRICS, half_distance, ks_distance, measure_shape, shape_columns
from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.found_frames import labelled_cells

_SEED = 3
_SHARD = 32
_SMOOTHINGS = (0.0, 1.0, 2.0)
_Masks = list[NDArray[np.bool_]]


def _generated(bundle: str, config: Config, cells: int) -> _Masks:
    """Generate cells; return their masks `(z, y, x)`."""
    cascade, shard = open_cascade(bundle, config, "cpu"), 0
    masks: _Masks = []
    while len(masks) < cells:
        masks += [solid.mask for solid in cascade.shape(ShardAccount(_SEED, shard), range(_SHARD))]
        shard += 1
        print(f"{len(masks)} cells", flush=True)
    return masks[:cells]


def _plain_harmonics(config: Config, widths_um: NDArray[np.float64], cells: int) -> _Masks:
    """Draw plain spherical harmonics of real widths, height over width log-uniform in the configured range."""
    voxel_um = config.data.voxel_um
    assert voxel_um is not None
    masks = []
    for item, rng in enumerate(held_out(cells, stream=4)):
        shape = stars.draw_stars([rng], Spectrum.plain(config.shapes), config.shapes.axial_ratio)
        # The equivalent diameter of the shape's projection is made that of a real cell.
        field = shape.fields(64)[0]
        seen = float((field > 0).any(dim=0).sum()) * (2 / 64) ** 2
        half = widths_um[item % len(widths_um)] / 2 / np.sqrt(seen / np.pi)
        masks.append(slices(partial(_resampled, field), (half,) * 3, voxel_um))
    return masks


def _resampled(field: Tensor, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Sample a field over the cube at other points."""
    z, y, x = torch.meshgrid(z, y, x, indexing="ij")
    at = torch.stack([x, y, z], dim=-1)[None]
    return F.grid_sample(field[None, None], at, padding_mode="border", align_corners=False)[0, 0]


def _whole(cells: Sequence[LabelledCell]) -> _Masks:
    """Take the masks of the cells in use that the stack does not cut."""
    return [cell.mask for cell in cells if cell.left_out is None and not cell.cut_z]


def _compare(sets: dict[str, _Masks], voxel_um: tuple[float, ...], smoothing: float) -> dict[str, Any]:
    """Compute the distance of each set from the validation cells, with that by chance alone; quantiles of all."""
    columns = {
        name: shape_columns([measure_shape(mask, voxel_um, smoothing) for mask in masks])
        for name, masks in sets.items()
    }
    rng = np.random.default_rng(0)
    real = columns["validation"]
    rows = {}
    for figure in SHAPE_METRICS:
        half = half_distance(real[figure], rng)
        row: dict[str, Any] = {"half_against_half": half, "limit": 1.5 * half}
        for name, column in columns.items():
            if name != "validation":
                row[name] = ks_distance(column[figure], real[figure])
            levels = (0.05, 0.25, 0.5, 0.75, 0.95)
            row[f"quantiles_{name}"] = np.quantile(column[figure], levels).round(4).tolist()
        rows[figure] = row
    return rows


def _spectra(sets: dict[str, _Masks], fitted: Spectrum, voxel_um: tuple[float, ...]) -> dict[str, list[float]]:
    """Compute the mean square of the coefficients of each degree from 1."""
    by_degree = {"fitted": fitted.power()}
    for name, masks in sets.items():
        tall = [mask for mask in masks if len(mask) >= 4]
        by_degree[name] = degree_power(np.stack([coefficients(mask, voxel_um, fitted.max_degree) for mask in tall]))
    return {name: values[1:].round(6).tolist() for name, values in by_degree.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the bundle named on the command line and save."""
    parser = described(__doc__)
    parser.add_argument("bundle", nargs="?", default="embryo-3d")
    parser.add_argument("config", type=Path, nargs="?", default=Path("configs/embryo-3d.yaml"))
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    config = load(chosen.config, chosen.set)
    train, validation = (_whole(cells) for cells in labelled_cells(config.data, config.crops))
    voxel_um = config.data.voxel_um
    assert voxel_um is not None
    widths = np.array([2 * np.sqrt(m.any(axis=0).sum() / np.pi) * voxel_um[-1] for m in train])
    sets = {
        "validation": validation,
        "training": train,
        "generated": _generated(chosen.bundle, config, chosen.cells),
        "plain": _plain_harmonics(config, np.random.default_rng(_SEED).permutation(widths), chosen.cells),
    }
    fitted = open_cascade(chosen.bundle, config, "cpu").statistics.shapes
    assert fitted is not None
    results: dict[str, Any] = {"cells": {name: len(masks) for name, masks in sets.items()}}
    for smoothing in _SMOOTHINGS:
        results[f"smoothed_by_{smoothing:g}_px"] = _compare(sets, voxel_um, smoothing)
    results["spectrum"] = _spectra(sets, fitted, voxel_um)
    for name, row in results["smoothed_by_1_px"].items():
        print(name, {key: round(value, 3) for key, value in row.items() if not key.startswith("quantiles")})
    save_result("shapes", results)
