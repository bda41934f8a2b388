"""Two folders, one of images and one of label images, matched by file name."""

import re
from pathlib import Path

from raysynth.base.errors import InputError
from raysynth.config import DataConfig
from raysynth.data.frames import Frame, LabelFile

_SUFFIXES = {".tif", ".tiff"}


def folder_frames(data: DataConfig) -> list[Frame]:
    """List the frames of both folders with their groups.

    Parameters
    ----------
    data
        Settings of the data.

    Returns
    -------
    list of Frame
        By name, not read.

    Raises
    ------
    InputError
        When a folder is missing or empty, an image has no mask or a mask no image, or a name has no group.
    """
    root = Path(data.root)
    images = _tiffs(root / data.image_folder, "data.image_folder")
    masks = _tiffs(root / data.mask_folder, "data.mask_folder")
    # Sorted, so that of several names without a partner it is always the same one that is reported.
    for stem in sorted(images.keys() ^ masks.keys()):
        path, other = (masks[stem], data.image_folder) if stem in masks else (images[stem], data.mask_folder)
        raise InputError(f"{path} has no file of the same name in {root / other}: add it or remove this one.")
    if not images:
        raise InputError(f"{root / data.image_folder} holds no TIFF files: check data.root and data.image_folder.")
    pattern = None if data.group_pattern is None else re.compile(data.group_pattern)
    return [
        Frame(_group(stem, pattern), time, image, (LabelFile(masks[stem]),), data.dimensions, data.z_range)
        # Names need hold no number, so the place in their order stands for the time.
        for time, (stem, image) in enumerate(sorted(images.items()))
    ]


def _tiffs(folder: Path, setting: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: check data.root and {setting}, or fetch the set.")
    return {p.stem: p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES}


def _group(stem: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return "all"
    found = pattern.search(stem)
    if found is None or not pattern.groups:
        raise InputError(f"data.group_pattern {pattern.pattern!r} finds no group in {stem}: give one in brackets.")
    return found[1]
