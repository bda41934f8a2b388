"""`prepare`: real frames in, single-cell crops and population statistics out."""

import json
from collections import Counter
from collections.abc import Sequence
from math import pi, prod, sqrt
from typing import Any

import numpy as np
from skimage.measure import regionprops

from raysynth.config import Config, DataConfig
from raysynth.data.background import Background, measure_background
from raysynth.data.cells import LabelledCell, find_cells, usual_area, without_misfits
from raysynth.data.crops import RING_PX, crop_side, frame_crops, outline_crop
from raysynth.data.frames import Frame, Pixels
from raysynth.data.intensity import fit_intensity
from raysynth.data.prepared import Part, prepared_folder, write_prepared
from raysynth.data.splits import split_frames
from raysynth.errors import InputError
from raysynth.seeds import Stage, generator

Found = list[tuple[Frame, list[LabelledCell]]]


def prepare(config: Config) -> dict[str, Any]:
    """Crop every cell, measure the population, and write both below the workspace; returns the report's figures.

    The test split is listed and counted, its pixels are not read. Raises InputError for unusable data.
    """
    splits = split_frames(config.data)
    found = {"train": _find(splits.train), "validation": _find(splits.validation)}
    usable = [cell for _, cells in found["train"] for cell in cells if cell.left_out is None]
    if not usable:
        raise InputError(f"{config.data.root} has no whole labelled cell in its training frames: check the labels.")
    side, area = crop_side(usable, config.crops), usual_area(usable)
    parts, report = {}, {}
    for name, frames in found.items():
        judged = [(frame, without_misfits(cells, area, side - 2 * RING_PX)) for frame, cells in frames]
        parts[name] = _crop(judged, side, config.data)
        report[name] = _count(judged, parts[name])
    intensity = fit_intensity(np.stack(parts["train"].images), np.stack(parts["train"].masks), config.crops.intensity)
    figures = {"crop_side_px": side, "splits": report | {"test": {"frames": len(splits.test)}}}
    write_prepared(prepared_folder(config), parts, intensity, {"report.json": json.dumps(figures, indent=1) + "\n"})
    return figures


def _find(frames: Sequence[Frame]) -> Found:
    return [(frame, find_cells(frame.read())) for frame in frames]


def _crop(found: Found, side: int, data: DataConfig) -> Part:
    part = Part()
    for index, (frame, cells) in enumerate(found):
        pixels = frame.read()
        background = measure_background(pixels, side, generator(0, 0, Stage.TRAINING, index))
        _add_crops(part, frame, pixels, background, cells, side, data)
        for cell in cells:
            if cell.left_out is None:
                part.outlines.append(outline_crop(cell, side))
                part.outline_rows.append(_outline_row(frame, cell, data))
    return part


def _add_crops(
    part: Part,
    frame: Frame,
    pixels: Pixels,
    background: Background,
    cells: Sequence[LabelledCell],
    side: int,
    data: DataConfig,
) -> None:
    for crop in frame_crops(pixels, background, cells, side):
        part.images.append(crop.image)
        part.masks.append(crop.mask)
        row = _cell_row(frame, crop.cell, data)
        part.rows.append(row | {"z": crop.z, "relative_height": crop.relative_height, "area_px": int(crop.mask.sum())})


def _cell_row(frame: Frame, cell: LabelledCell, data: DataConfig) -> dict[str, Any]:
    """What identifies a cell and its size; volumes only where the whole cell is labelled and its voxel is known."""
    size = int(cell.mask.sum())
    whole = data.dimensions == 3 and not cell.sparse and data.voxel_um is not None
    return {
        "frame": frame.name,
        "label": cell.label,
        "y": cell.centre[0],
        "x": cell.centre[1],
        "size_px": size,
        "volume_um3": size * prod(data.voxel_um or ()) if whole else None,
        "cut_z": cell.cut_z,
    }


def _outline_row(frame: Frame, cell: LabelledCell, data: DataConfig) -> dict[str, Any]:
    outline = regionprops(cell.outline.astype(np.uint8))[0]
    row = _cell_row(frame, cell, data) | {"area_px": int(outline.area), "solidity": float(outline.solidity)}
    if data.dimensions == 2 or cell.sparse or data.voxel_um is None:
        return row | {"height_um": None, "width_um": None}
    width = 2 * sqrt(outline.area * prod(data.voxel_um[1:]) / pi)
    return row | {"height_um": len(cell.mask) * data.voxel_um[0], "width_um": width}


def _count(found: Found, part: Part) -> dict[str, Any]:
    reasons = Counter(cell.left_out for _, cells in found for cell in cells if cell.left_out is not None)
    return {
        "frames": len(found),
        "cells_labelled": sum(len(cells) for _, cells in found),
        "cells_kept": len(part.outlines),
        "cells_cut_in_z": sum(row["cut_z"] for row in part.outline_rows),
        "crops_kept": len(part.images),
        "left_out": dict(sorted(reasons.items())),
    }
