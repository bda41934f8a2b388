"""File names of the Cell Tracking Challenge: `t000.tif`, `man_seg000.tif`, `man_seg_000_004.tif`, and so on.

The conventions are those of https://public.celltrackingchallenge.net/documents/Naming%20and%20file%20content%20conventions.pdf.
"""

import re
from typing import NamedTuple

# Any number of digits, since long sequences have four. Matched in full, so that a stray `t000.tif.part` is no image.
_IMAGE = re.compile(r"t(\d+)\.tiff?")
_WHOLE = re.compile(r"(man_seg|man_track|mask)(\d+)\.tiff?")
_SLICE = re.compile(r"man_seg_(\d+)_(\d+)\.tiff?")


class LabelFileName(NamedTuple):
    """What the name of a label file says.

    Attributes
    ----------
    time
        Number of the frame.
    z
        The annotated slice of a volume; None: the whole frame is.
    tracks
        Whether it holds the markers of tracks (`man_track`), and not whole cells.
    """

    time: int
    z: int | None
    tracks: bool


def image_time(name: str) -> int | None:
    """Read the number of a frame from the name of its image.

    Parameters
    ----------
    name
        A file's name.

    Returns
    -------
    int or None
        None for files that are no images.
    """
    match = _IMAGE.fullmatch(name)
    return int(match[1]) if match else None


def label_file_name(name: str) -> LabelFileName | None:
    """Read what a label file is for from its name.

    Parameters
    ----------
    name
        A file's name.

    Returns
    -------
    LabelFileName or None
        None for files that hold no labels.
    """
    if match := _WHOLE.fullmatch(name):
        return LabelFileName(int(match[2]), None, match[1] == "man_track")
    if match := _SLICE.fullmatch(name):
        return LabelFileName(int(match[1]), int(match[2]), False)
    return None
