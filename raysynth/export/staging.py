"""Folders that appear whole or not at all, for the exports."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import tifffile
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.objects import unwritable
from raysynth.store.reader import Dataset


@contextmanager
def staged_export(dataset: Dataset, folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` to write an export of `dataset` into; takes its name when the block ends well.

    Raises InputError when `folder` is in use or cannot be made, and when the data set has no finished frame.
    """
    if not dataset.present:
        raise InputError(f"{dataset.uri} holds no finished frame to export: generate it first")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is in use: choose a folder that does not exist yet")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise unwritable(str(folder), error) from error
    try:
        yield staged
        staged.chmod(0o755)
        staged.replace(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def write_tiff(path: Path, array: NDArray[Any]) -> None:
    """One grey image or stack, compressed, without metadata of our own."""
    tifffile.imwrite(path, array, photometric="minisblack", compression="zlib", metadata=None)
