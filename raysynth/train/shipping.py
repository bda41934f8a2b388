"""Folders travel from the driver to workers that do not share its disk, through Ray's object store."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import ray

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_folder
from raysynth.config import CropConfig
from raysynth.preparation.prepared import Prepared

Parcel = dict[str, "ray.ObjectRef[Any]"]
"""The files of a folder in Ray's store, by their path in it. They live as long as the parcel does in the driver."""


def pack_folder(folder: str | Path) -> Parcel:
    """Put the files of a folder into Ray's store.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    Parcel
        Its files.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    # As arrays: workers read those in the store without a copy of their own, which bytes would need.
    return {path.relative_to(folder).as_posix(): ray.put(np.fromfile(path, np.uint8)) for path in files}


def unpack_folder(parcel: Parcel, folder: Path) -> None:
    """Write a parcel's files. Workers on one machine share the folder: whoever is first writes it.

    Parameters
    ----------
    parcel
        The files.
    folder
        Where they are put. It appears whole, and is left alone where it is there already.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    if folder.exists():
        return
    try:
        with whole_folder(folder) as unfinished:
            for name, content in parcel.items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                ray.get(content).tofile(unfinished / name)
    except InputError:
        if not folder.exists():  # else another worker was first
            raise


@dataclass(frozen=True)
class PreparedParcel:
    """Prepared data on their way to workers.

    Attributes
    ----------
    files
        The prepared folder.
    limit, limit_seed
        Number of training cells to keep, and the random seed of that choice; see `Prepared.load`.
    """

    files: Parcel = field(repr=False)
    limit: int | None
    limit_seed: int

    @classmethod
    def pack(cls, folder: str | Path, crops: CropConfig) -> "PreparedParcel":
        """Put prepared data into Ray's store.

        Parameters
        ----------
        folder
            The folder that `prepare` wrote.
        crops
            Settings of the crops: the limit and its random seed.

        Returns
        -------
        PreparedParcel
            The parcel.
        """
        return cls(pack_folder(folder), crops.limit, crops.limit_seed)

    def open(self, folder: Path) -> Prepared:
        """Write the files on this machine and read them.

        Parameters
        ----------
        folder
            Where they are put, or stand already.

        Returns
        -------
        Prepared
            The data, memory-mapped from there.
        """
        unpack_folder(self.files, folder)
        return Prepared.load(folder, self.limit, self.limit_seed)
