"""What all exports share: a folder that appears whole or not at all, images as TIFF files, and the report."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.reports import Report
from raysynth.base.staging import whole_folder
from raysynth.store.reader import Dataset

LARGEST_ID = int(np.iinfo(np.uint16).max)
"""The largest label that the files of the exports hold: they are of 16 bits."""


@dataclass(frozen=True)
class ExportReport(Report):
    """What an export wrote.

    Attributes
    ----------
    folder
        The folder of the export.
    frames
        Number of frames written; None for an export that counts its images.
    images
        Number of pairs of image and mask file; None for an export that counts its frames.
    """

    folder: str
    frames: int | None = None
    images: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set."""
        return {name: value for name, value in super().to_json().items() if value is not None}


@contextmanager
def staged_export(dataset: Dataset, folder: str | Path) -> Iterator[Path]:
    """Have an export written, which takes its name when the block ends without an error.

    Parameters
    ----------
    dataset
        The data set that is exported.
    folder
        The folder that the export becomes; it does not exist yet, or is empty.

    Yields
    ------
    Path
        A new folder to write into.

    Raises
    ------
    InputError
        When the folder is in use or cannot be made, and when the data set has no finished frame.
    """
    if not dataset.present:
        raise InputError(f"{dataset.uri} holds no finished frame to export: generate it first")
    with whole_folder(folder) as staged:
        yield staged


def write_tiff(path: Path, array: NDArray[Any]) -> None:
    """Write one grey image or stack, compressed, without metadata of our own.

    Parameters
    ----------
    path
        The file.
    array
        `(y, x)` or `(z, y, x)`.
    """
    # Named grey, or tifffile takes a stack of three or four slices for one picture in colour.
    tifffile.imwrite(path, array, photometric="minisblack", compression="zlib", metadata=None)
