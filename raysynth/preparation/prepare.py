"""`prepare`: real frames in, single-cell crops and population statistics out."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.config import Config, DataConfig
from raysynth.config.generation import RING_PX
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames
from raysynth.preparation.background import Background, measure_background
from raysynth.preparation.cells import LabelledCell, find_cells, usual_area, without_misfits
from raysynth.preparation.crops import crop_side, frame_crops, outline_crop
from raysynth.preparation.intensity import IntensityMap, fit_intensity
from raysynth.preparation.measure import measure_frame, population
from raysynth.preparation.prepared import prepared_folder
from raysynth.preparation.prepared_writing import Part, write_prepared
from raysynth.preparation.regions import fit_regions
from raysynth.preparation.shapes import measure_shapes
from raysynth.preparation.statistics import Region


@dataclass(frozen=True)
class FoundFrame:
    """A frame with its cells; shape: of the whole image."""

    frame: Frame
    shape: tuple[int, ...]
    cells: list[LabelledCell]

    @property
    def used(self) -> list[LabelledCell]:
        """The cells that are not left out."""
        return [cell for cell in self.cells if cell.left_out is None]


def labelled_cells(config: Config) -> tuple[list[LabelledCell], list[LabelledCell]]:
    """Every labelled cell of the training and of the validation frames, with the reason where one is not used."""
    train, validation, _ = _judged(config)
    return [cell for found in train for cell in found.cells], [cell for found in validation for cell in found.cells]


def prepare(config: Config) -> dict[str, Any]:
    """Crop every cell, measure the population, and write both below the workspace; returns the report's figures.

    The test split is listed and counted, its pixels are not read. Raises InputError for unusable data.
    """
    data = config.data
    train, validation, side = _judged(config)
    parts = {"train": Part(), "validation": Part()}
    regions: list[Region | None] = [None] * len(train)
    if data.split.by != "region":  # a strip of a frame does not show what its cells keep to
        regions = fit_regions([found.cells for found in train], [found.shape for found in train])
    measures = []
    for (found, pixels, background), region in zip(_backgrounds(train, side), regions, strict=True):
        measures.append(measure_frame(found.frame.name, pixels, background, found.cells, region, data))
        _add(parts["train"], found, pixels, background, side, data)
    for found, pixels, background in _backgrounds(validation, side):
        _add(parts["validation"], found, pixels, background, side, data)
    crops = parts["train"]
    intensity = fit_intensity(np.stack(crops.images), np.stack(crops.masks), config.crops.intensity)
    for part in parts.values():
        add_brightness(part, intensity)
    cells = [cell for found in train for cell in found.used]
    shapes = measure_shapes(cells, config.shapes.max_degree, data)
    statistics = population(measures, cells, crops.outline_rows, intensity, shapes, side, data)
    figures = {
        "crop_side_px": side,
        "train": _count(train, parts["train"]),
        "validation": _count(validation, parts["validation"]),
        "test": {"frames": len(split_frames(data).test)},
    }
    documents = {"statistics.json": statistics.to_json(), "report.json": json.dumps(figures, indent=1) + "\n"}
    write_prepared(prepared_folder(config), parts, intensity, documents)
    return figures


def _judged(config: Config) -> tuple[list[FoundFrame], list[FoundFrame], int]:
    """The training and the validation frames, their misfits marked, and the crops' side."""
    splits = split_frames(config.data)
    train, validation = _find(splits.train), _find(splits.validation)
    usable = [cell for found in train for cell in found.used]
    if not usable:
        raise InputError(f"{config.data.root} has no whole labelled cell in its training frames: check the labels.")
    side, area = crop_side(usable, config.crops), usual_area(usable)
    return _judge(train, area, side), _judge(validation, area, side), side


def _find(frames: Sequence[Frame]) -> list[FoundFrame]:
    found = []
    for frame in frames:
        pixels = frame.read()
        found.append(FoundFrame(frame, pixels.image.shape, find_cells(pixels)))
    return found


def _judge(frames: Sequence[FoundFrame], area_px: float, side: int) -> list[FoundFrame]:
    return [replace(f, cells=without_misfits(f.cells, area_px, side - 2 * RING_PX)) for f in frames]


def _backgrounds(frames: Sequence[FoundFrame], side: int) -> Iterator[tuple[FoundFrame, Pixels, Background]]:
    """Frames read once more, one at a time, so that a data set need not fit into memory."""
    for index, found in enumerate(frames):
        pixels = found.frame.read()
        yield found, pixels, measure_background(pixels, side, generator(0, 0, Stage.TRAINING, index))


def _add(part: Part, found: FoundFrame, pixels: Pixels, background: Background, side: int, data: DataConfig) -> None:
    for crop in frame_crops(pixels, background, found.cells, side):
        part.images.append(crop.image)
        part.masks.append(crop.mask)
        row = _cell_row(found.frame, crop.cell, data)
        part.rows.append(row | {"z": crop.z, "relative_height": crop.relative_height, "area_px": int(crop.mask.sum())})
    for cell in found.used:
        part.outlines.append(outline_crop(cell, side))
        part.outline_rows.append(_outline_row(found.frame, cell, data))


def _cell_row(frame: Frame, cell: LabelledCell, data: DataConfig) -> dict[str, Any]:
    """What identifies a cell and its size; a volume only where the whole cell is labelled in 3D."""
    size = int(cell.mask.sum())
    return {
        "frame": frame.name,
        "label": cell.label,
        "y": cell.centre[0],
        "x": cell.centre[1],
        "size_px": size,
        "volume_um3": size * prod(voxel) if (voxel := _voxel(cell, data)) else None,
        "cut_z": cell.cut_z,
    }


def _outline_row(frame: Frame, cell: LabelledCell, data: DataConfig) -> dict[str, Any]:
    row = _cell_row(frame, cell, data) | {
        "area_px": int(cell.outline.sum()),
        "eccentricity": cell.eccentricity,
        "solidity": cell.solidity,
    }
    height, width = cell.extent_um(voxel) if (voxel := _voxel(cell, data)) else (None, None)
    return row | {"height_um": height, "width_um": width}


def add_brightness(part: Part, intensity: IntensityMap) -> None:
    """Add to every row the mean over the whole cell's pixels in the unit interval."""
    sums: dict[tuple[str, int], NDArray[np.float64]] = defaultdict(lambda: np.zeros(2))
    for image, mask, row in zip(part.images, part.masks, part.rows, strict=True):
        sums[row["frame"], row["label"]] += [intensity.to_unit(image[mask]).sum(), mask.sum()]
    for row in part.rows + part.outline_rows:
        total, pixels = sums[row["frame"], row["label"]]
        row["brightness"] = float(total / max(pixels, 1))


def _voxel(cell: LabelledCell, data: DataConfig) -> tuple[float, ...] | None:
    """The voxel in µm for the cells that a volume can be given for."""
    return data.voxel_um if data.dimensions == 3 and not cell.sparse else None


def _count(frames: Sequence[FoundFrame], part: Part) -> dict[str, Any]:
    reasons = Counter(cell.left_out for found in frames for cell in found.cells if cell.left_out is not None)
    return {
        "frames": len(frames),
        "cells_labelled": sum(len(found.cells) for found in frames),
        "cells_kept": len(part.outlines),
        "cells_cut_in_z": sum(row["cut_z"] for row in part.outline_rows),
        "crops_kept": len(part.images),
        "left_out": dict(sorted(reasons.items())),
    }
