"""Writing what `prepare` made: the folder that training reads, whole or not at all."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raysynth.base.staging import whole_folder
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.split_crops import SplitCrops


def write_prepared(
    folder: str | Path, splits: dict[str, SplitCrops], intensity: IntensityMap, documents: dict[str, str]
) -> None:
    """Write a prepared folder, in the place of an older one.

    Parameters
    ----------
    folder
        The folder.
    splits
        Name of the split → its crops.
    intensity
        Map of the crops to [0, 1].
    documents
        Name of a text file → its content.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with whole_folder(folder, replace=True) as new:
        for name, crops in splits.items():
            _write_split(new / name, crops, intensity)
        for name, text in documents.items():
            (new / name).write_text(text, encoding="utf-8")


def _write_split(folder: Path, crops: SplitCrops, intensity: IntensityMap) -> None:
    folder.mkdir()
    side = crops.outlines[0].shape[0] if crops.outlines else 0
    # Written image by image: a second copy of all crops, as floats, might not fit into memory beside the first.
    images = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]  # numpy leaves it without types
        folder / "images.npy", mode="w+", dtype=np.float16, shape=(len(crops.images), side, side)
    )
    for place, image in zip(images, crops.images, strict=True):
        place[...] = intensity.to_unit(image)
    images.flush()
    np.save(folder / "masks.npy", np.array(crops.masks, bool).reshape(-1, side, side))
    np.save(folder / "outlines.npy", np.array(crops.outlines, bool).reshape(-1, side, side))
    pq.write_table(pa.Table.from_pylist(crops.rows), folder / "cells.parquet")
    pq.write_table(pa.Table.from_pylist(crops.outline_rows), folder / "outlines.parquet")
