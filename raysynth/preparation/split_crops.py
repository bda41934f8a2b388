"""What one split gives: its crops and outlines, each with a row of a table."""

from collections import defaultdict
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Doubles, Mask
from raysynth.config import DataConfig
from raysynth.data.frames import Frame, Pixels
from raysynth.preparation.background import FrameBackground
from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.crops import frame_crops, outline_crop
from raysynth.preparation.found_frames import FoundFrame
from raysynth.preparation.intensity import IntensityMap


@dataclass
class SplitCrops:
    """The crops of one split, frame by frame.

    Attributes
    ----------
    images
        Crops `(side, side)` in the data's type.
    masks
        The cell in each of them.
    rows
        A row of `cells.parquet` for each.
    outlines
        One outline per cell `(side, side)`.
    outline_rows
        A row of `outlines.parquet` for each.
    """

    images: list[NDArray[np.generic]] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    outlines: list[Mask] = field(default_factory=list)
    outline_rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, found: FoundFrame, pixels: Pixels, background: FrameBackground, side: int, data: DataConfig) -> None:
        """Add the crops and outlines of one frame.

        Parameters
        ----------
        found
            The frame and its cells.
        pixels
            Its image and labels.
        background
            Its background.
        side
            Side of the crops in pixels.
        data
            Settings of the data: dimensions and size of a voxel.
        """
        for crop in frame_crops(pixels, background, found.cells, side):
            self.images.append(crop.image)
            self.masks.append(crop.mask)
            row = _cell_row(found.frame, crop.cell, data)
            height = {"z": crop.z, "relative_height": crop.relative_height}
            self.rows.append(row | height | {"area_px": int(crop.mask.sum())})
        for cell in found.used:
            self.outlines.append(outline_crop(cell, side))
            self.outline_rows.append(_outline_row(found.frame, cell, data))

    def add_brightness(self, intensity: IntensityMap) -> None:
        """Add to every row the mean over the whole cell's pixels in the unit interval.

        Parameters
        ----------
        intensity
            The map to the unit interval.
        """
        sums: dict[tuple[str, int], Doubles] = defaultdict(lambda: np.zeros(2))
        for image, mask, row in zip(self.images, self.masks, self.rows, strict=True):
            # Sums and not means of slices: each pixel of the cell counts once, however its slices differ in size.
            sums[row["frame"], row["label"]] += [intensity.to_unit(image[mask]).sum(), mask.sum()]
        for row in self.rows + self.outline_rows:
            total, pixels = sums[row["frame"], row["label"]]
            # A cell whose slices are all too small for a crop has an outline but no pixels here.
            row["brightness"] = float(total / max(pixels, 1))


def _cell_row(frame: Frame, cell: LabelledCell, data: DataConfig) -> dict[str, Any]:
    """Name a cell and its size; a volume only where the whole cell is labelled in 3D."""
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


def _voxel(cell: LabelledCell, data: DataConfig) -> tuple[float, ...] | None:
    """Give the voxel in µm for cells that have a volume; None for others."""
    return data.voxel_um if data.dimensions == 3 and not cell.sparse else None
