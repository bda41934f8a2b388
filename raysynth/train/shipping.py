"""Prepared data travel from the driver to workers that do not share its disk, through Ray's object store."""

from pathlib import Path

import numpy as np
import ray

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_folder

Parcel = dict[str, "ray.ObjectRef"]


def pack(folder: Path) -> Parcel:
    """The files of `folder` as objects in Ray's store, by their path in it; they live as long as the parcel."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): ray.put(np.fromfile(path, np.uint8)) for path in files}


def unpack(parcel: Parcel, folder: Path) -> None:
    """Write a parcel's files below `folder`, which appears whole; left alone where it is there already.

    Workers on one machine share it: whoever is first writes it, and the files are memory-mapped from there.
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
