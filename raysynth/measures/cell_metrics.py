"""The cells of two sets of frames, figure by figure: shape, brightness, texture, edge, neighbours, number.

Shapes are those of whole cells, volumes in three dimensions. Brightness, texture and edge are measured in the plane, in
volumes in the slice where the cell is largest; other cells beside it are replaced by the background there.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.data.frames import Pixels, as_volume
from raysynth.measures import morphology
from raysynth.measures.frame_sets import FrameSet
from raysynth.measures.shape import measure
from raysynth.preparation.cells import LabelledCell, find_cells
from raysynth.preparation.edges import EdgeSums, edge_profile
from raysynth.preparation.statistics import EdgeProfile

FRAMES = 100
"""Frames of each set, at most, evenly spaced."""

CELLS = 20
"""Cells of each frame, at most, drawn at random: those of one frame are alike."""

MARGIN_PX = 14
_NEIGHBOUR_PX = 2
_SEED = 2

Values = dict[str, NDArray[np.float64]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """The cells of one set: 2D or 3D, each figure `(n,)` (those of frames and pairs have an n of their own), edges."""

    dimensions: int
    values: Values
    edges: list[EdgeSums]

    @property
    def profile(self) -> EdgeProfile:
        """The edge profile of all cells."""
        return edge_profile(self.edges)


@dataclass(frozen=True)
class Comparison:
    """Two sets, measured in one unit ("um" or "px"), and how far apart each figure's distributions are."""

    names: tuple[str, str]
    a: Cells
    b: Cells
    unit: str
    distances: dict[str, morphology.Distance]
    edge: dict[str, float]

    def figures(self) -> dict[str, Any]:
        """What `raysynth evaluate morphology` prints."""
        counts = [len(cells.edges) for cells in (self.a, self.b)]
        about = {"a": self.names[0], "b": self.names[1], "cells": f"{counts[0]}/{counts[1]}", "unit": self.unit}
        return about | {name: asdict(d) for name, d in self.distances.items()} | {"edge_profile": self.edge}


def voxel_size(text: str) -> tuple[float, ...]:
    """A voxel size in µm from `z,y,x` or `y,x`; InputError for anything else."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in (2, 3) or not all(0 < value < np.inf for value in values):
        raise InputError(f"--voxel-um {text} is no voxel size: give Z,Y,X or Y,X in µm, such as 1.0,0.2,0.2.")
    return values


def compare_sets(
    a: FrameSet,
    b: FrameSet,
    voxel_um: tuple[float, ...] | None = None,
    update: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """All figures of A, the real set, and of B, and their distances.

    voxel_um: z, y, x (2D: y, x) of sets that store none; lengths are in pixels where it stays unknown for one of them.
    Raises InputError for sets of different dimensions and for sets without whole cells.
    """
    a, b = a.some(FRAMES), b.some(FRAMES)
    sizes = [frames.voxel_um or voxel_um for frames in (a, b)]
    unit = "px" if None in sizes else "um"
    if unit == "px":
        sizes = [None, None]
    total = len(a.frames) + len(b.frames)
    real = _measure(a, sizes[0], lambda done: update(done, total))
    other = _measure(b, sizes[1], lambda done: update(len(a.frames) + done, total))
    if real.dimensions != other.dimensions:
        raise InputError(
            f"{a.name} is {real.dimensions}D and {b.name} is {other.dimensions}D: compare sets of the same kind."
        )
    rng = generator(_SEED, 0, Stage.EVALUATION, 0)
    distances = {name: morphology.compare(real.values[name], other.values[name], rng) for name in real.values}
    edge = morphology.compare_edges(real.edges, other.edges, rng)
    return Comparison((a.name, b.name), real, other, unit, distances, edge)


def _measure(frames: FrameSet, voxel_um: tuple[float, ...] | None, update: Callable[[int], None]) -> Cells:
    rng = generator(_SEED, 1, Stage.EVALUATION, 0)
    parts = []
    for done, read in enumerate(frames.frames, start=1):
        pixels = read()
        parts.append(_of_frame(pixels, _full(voxel_um, pixels.image.ndim, frames.name), rng))
        update(done)
    names = dict.fromkeys(name for part in parts for name in part.values)
    values = {name: np.concatenate([part.values[name] for part in parts if name in part.values]) for name in names}
    edges = [sums for part in parts for sums in part.edges]
    if len(edges) < 2 or min(map(len, values.values())) < 2:
        raise InputError(f"{frames.name} has fewer than two frames or whole cells, too few to compare: give more.")
    return Cells(parts[0].dimensions, values, edges)


def _of_frame(pixels: Pixels, voxel_um: tuple[float, ...], rng: Generator) -> Cells:
    """The figures of one frame; those of single cells are left out where none is whole."""
    dimensions, cells = pixels.image.ndim, find_cells(pixels)
    whole = [cell for cell in cells if cell.left_out is None]
    drawn = [whole[i] for i in np.sort(rng.permutation(len(whole))[:CELLS])]
    crops = [_crop(pixels, cell) for cell in drawn]
    planes = [morphology.table(image[None], mask[None]) for image, mask in crops]
    shapes = [_shape(cell, plane, voxel_um, dimensions) for cell, plane in zip(drawn, planes, strict=True)]
    names = ("brightness", "granularity")
    rows = [
        shape | {name: float(plane[name][0]) for name in names} for shape, plane in zip(shapes, planes, strict=True)
    ]
    values = {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    values["neighbour_distance"] = _neighbour_distances(cells, voxel_um)
    values["cells_per_frame"] = np.array([len(cells)], np.float64)
    return Cells(dimensions, values, [morphology.edges(image[None], mask[None])[0] for image, mask in crops])


def _full(voxel_um: tuple[float, ...] | None, dimensions: int, name: str) -> tuple[float, ...]:
    """Voxel size z, y, x; 1 where it is not known."""
    if voxel_um is None:
        return (1.0, 1.0, 1.0)
    if len(voxel_um) != dimensions:
        raise InputError(f"{name} is {dimensions}D, but its voxel size has {len(voxel_um)} values: correct --voxel-um.")
    return (1.0,) * (3 - dimensions) + voxel_um


def _shape(cell: LabelledCell, plane: Values, voxel_um: tuple[float, ...], dimensions: int) -> dict[str, float]:
    if dimensions == 2:
        area = float(plane["area_px"][0]) * voxel_um[1] * voxel_um[2]
        return {"area": area, **{name: float(plane[name][0]) for name in ("eccentricity", "solidity")}}
    found = asdict(measure(cell.mask, voxel_um))
    return {"volume": found.pop("volume_um3"), **found}


def _neighbour_distances(cells: list[LabelledCell], voxel_um: tuple[float, ...]) -> Floats:
    """From the centre of each cell's mask to the nearest other one's; nothing for a single cell."""
    if len(cells) < 2:
        return np.empty(0)
    centres = [np.array(c.start) + np.argwhere(c.mask).mean(axis=0) for c in cells]
    points = np.array(centres) * voxel_um
    return np.asarray(cKDTree(points).query(points, k=2)[0][:, 1], np.float64)


def _crop(pixels: Pixels, cell: LabelledCell) -> tuple[Floats, NDArray[np.bool_]]:
    """The cell with its surroundings in the plane where it is largest, and its mask there, `(y, x)`."""
    z = int(cell.mask.sum(axis=(1, 2)).argmax())
    window = tuple(
        slice(max(0, start - MARGIN_PX), start + length + MARGIN_PX)
        for start, length in zip(cell.start[1:], cell.mask.shape[1:], strict=True)
    )
    image = as_volume(pixels.image)[cell.start[0] + z][window].astype(np.float64)
    labels = as_volume(pixels.labels)[cell.start[0] + z][window]
    mask = labels == cell.label
    others = ndimage.binary_dilation((labels > 0) & ~mask, iterations=_NEIGHBOUR_PX) & ~mask
    free = ~(others | ndimage.binary_dilation(mask, iterations=_NEIGHBOUR_PX))
    if free.any():
        image[others] = np.median(image[free])
    return image, mask
