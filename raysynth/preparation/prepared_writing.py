"""Writing what `prepare` made: the folder that training reads, whole or not at all."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raysynth.base.staging import whole_folder
from raysynth.preparation.intensity import IntensityMap


@dataclass
class Part:
    """What one split gives: images `(side, side)` in the data's type with their masks, and one outline a cell."""

    images: list[NDArray[np.generic]] = field(default_factory=list)
    masks: list[NDArray[np.bool_]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    outlines: list[NDArray[np.bool_]] = field(default_factory=list)
    outline_rows: list[dict[str, Any]] = field(default_factory=list)


def write_prepared(folder: Path, parts: dict[str, Part], intensity: IntensityMap, documents: dict[str, str]) -> None:
    """Replace `folder` by the given parts and text files (name to content); InputError if it cannot be written."""
    with whole_folder(folder, replace=True) as new:
        for name, part in parts.items():
            _write_part(new / name, part, intensity)
        for name, text in documents.items():
            (new / name).write_text(text, encoding="utf-8")


def _write_part(folder: Path, part: Part, intensity: IntensityMap) -> None:
    folder.mkdir()
    side = part.outlines[0].shape[0] if part.outlines else 0
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.float16, shape=(len(part.images), side, side)
    )
    for place, image in zip(images, part.images, strict=True):
        place[...] = intensity.to_unit(image)
    images.flush()
    np.save(folder / "masks.npy", np.array(part.masks, bool).reshape(-1, side, side))
    np.save(folder / "outlines.npy", np.array(part.outlines, bool).reshape(-1, side, side))
    pq.write_table(pa.Table.from_pylist(part.rows), folder / "cells.parquet")
    pq.write_table(pa.Table.from_pylist(part.outline_rows), folder / "outlines.parquet")
