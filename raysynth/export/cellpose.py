"""Export a data set as the image and mask files that Cellpose trains on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError
from raysynth.export.staging import LARGEST_ID, ExportReport, staged_export, write_tiff
from raysynth.store.reader import Dataset

# Cellpose leaves out training images with fewer masks (`--min_train_masks`) and cannot learn from specks.
_MIN_MASKS = 5
_MIN_MASK_PX = 16

_Plane = tuple[str, NDArray[Any], NDArray[np.uint16]]


def write_cellpose(dataset: Dataset, folder: str | Path) -> ExportReport:
    """Write `NAME.tif` and `NAME_masks.tif`, 2D: what `cellpose --train --dir FOLDER --mask_filter _masks` reads.

    A 2D frame is one pair, named by its frame. Volumes give y-x slices with at least 5 masks of 16 pixels or more, as
    Cellpose trains on no others. Labels are numbered from 1 within each mask file.

    Parameters
    ----------
    dataset
        The data set.
    folder
        The folder that the export becomes, whole or not at all. It does not exist yet, or is empty.

    Returns
    -------
    ExportReport
        With the number of pairs as `images`.

    Raises
    ------
    InputError
        When the folder is in use or cannot be written, when no frame is present or has enough cells, and when a frame
        has more than 65,535 cells.
    """
    written = 0
    with staged_export(dataset, folder) as staged:
        for name, image, masks in _planes(dataset):
            write_tiff(staged / f"{name}.tif", image)
            write_tiff(staged / f"{name}_masks.tif", masks)
            written += 1
        if not written:
            raise InputError(f"no slice of {dataset.uri} has {_MIN_MASKS} cells of {_MIN_MASK_PX} pixels to train on")
    return ExportReport(str(folder), images=written)


def _planes(dataset: Dataset) -> Iterator[_Plane]:
    """Make name, image and masks of every plane worth training on."""
    # Padded, since Cellpose pairs and sorts files by their names.
    digits = max(5, len(str(dataset.spec.frames - 1)))
    for frame, image, labels in dataset:
        name = f"{frame:0{digits}d}"
        if labels.ndim == 2:
            yield name, image, _numbered(dataset, frame, labels)
            continue
        for z, plane in enumerate(labels):
            sizes = np.unique(plane[plane > 0], return_counts=True)[1]
            if np.count_nonzero(sizes >= _MIN_MASK_PX) >= _MIN_MASKS:
                yield f"{name}_z{z:03d}", image[z], _numbered(dataset, frame, plane)


def _numbered(dataset: Dataset, frame: int, labels: Labels) -> NDArray[np.uint16]:
    """Count labels from 1 without gaps, in their order."""
    ids = np.unique(labels)
    ids = ids[ids > 0]
    if len(ids) > LARGEST_ID:
        raise InputError(f"{dataset.uri} has {len(ids)} cells in frame {frame}: mask files hold {LARGEST_ID}")
    # searchsorted counts from 0, and background, which is below every id, stays 0.
    return np.where(labels > 0, np.searchsorted(ids, labels) + 1, 0).astype(np.uint16)
