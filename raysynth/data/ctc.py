"""The Cell Tracking Challenge layout.

A sequence is a folder of two digits with images `tTTT.tif`. Its labels lie in a folder beside it (`01_ST/SEG`,
`01_GT/SEG`, `02_ERR_SEG`, ...) as `man_segTTT.tif` or `maskTTT.tif`. Volumes of which only single slices are annotated
have `man_seg_TTT_ZZZ.tif`.
"""

import re
from pathlib import Path

from raysynth.base.errors import InputError
from raysynth.config import DataConfig
from raysynth.data.ctc_names import image_time, label_file_name
from raysynth.data.frames import Frame, LabelFile


def ctc_frames(data: DataConfig) -> list[Frame]:
    """List the labelled frames of every sequence; images without labels are passed over.

    Parameters
    ----------
    data
        Settings of the data.

    Returns
    -------
    list of Frame
        By sequence and time, not read.

    Raises
    ------
    InputError
        When folders or labels are missing, or labels do not fit the images.
    """
    root = Path(data.root)
    if not root.is_dir():
        raise InputError(
            f"data.root {root} is not a folder: give the folder that holds the sequences, or fetch the set."
        )
    # Two digits exactly: `01_ST` and `01_GT` beside them hold labels, not images.
    sequences = sorted(p.name for p in root.iterdir() if p.is_dir() and re.fullmatch(r"\d\d", p.name))
    frames = [frame for sequence in sequences for frame in _sequence(data, sequence)]
    if not frames:
        wanted = data.label_folder.format(sequence="NN")
        raise InputError(f"{root} has no sequence with labels in {wanted}: check data.root and data.label_folder.")
    return frames


def _sequence(data: DataConfig, sequence: str) -> list[Frame]:
    root = Path(data.root)
    folder = root / data.label_folder.format(sequence=sequence)
    if not folder.is_dir():
        # Most sequences of a challenge set have no labels of the kind asked for. Only a named one is missed.
        if sequence in data.split.train + data.split.validation + data.split.test:
            raise InputError(f"{folder} is missing, but data.split names sequence {sequence}: fetch its labels.")
        return []
    images = {time: p for p in (root / sequence).iterdir() if (time := image_time(p.name)) is not None}
    frames = []
    for time, labels in sorted(_label_files(folder).items()):
        if time not in images:
            raise InputError(f"{labels[0].path} has no image t{time:03d}.tif in {root / sequence}: add or remove it.")
        if labels[0].z is not None and data.dimensions == 2:
            raise InputError(f"{labels[0].path} annotates a slice of a volume, but data.dimensions is 2: set it to 3.")
        frames.append(Frame(sequence, time, images[time], labels, data.dimensions, data.z_range))
    return frames


def _label_files(folder: Path) -> dict[int, tuple[LabelFile, ...]]:
    """List label files by time; a file for the whole frame goes before files for single slices."""
    whole: dict[int, tuple[LabelFile, ...]] = {}
    slices: dict[int, tuple[LabelFile, ...]] = {}
    for path in sorted(folder.iterdir()):
        name = label_file_name(path.name)
        # Markers of tracks are small blobs inside the cells: their areas would pass for those of whole cells.
        if name is None or name.tracks:
            continue
        if name.z is None:
            whole[name.time] = (LabelFile(path),)
        else:
            slices[name.time] = (*slices.get(name.time, ()), LabelFile(path, name.z))
    return slices | whole
