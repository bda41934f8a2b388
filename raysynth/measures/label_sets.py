"""Sets of label images: the Cell Tracking Challenge's label folders, and raysynth data sets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError
from raysynth.data.ctc_names import label_file_name
from raysynth.data.frames import read_labels
from raysynth.store.manifest import MANIFEST_KEY
from raysynth.store.reader import Dataset


@dataclass(frozen=True)
class LabelImage:
    """One label image, not read yet.

    Attributes
    ----------
    name
        Name of its file, or its frame.
    time
        Number of its frame.
    z
        The annotated slice of a volume; None for a whole frame.
    read
        Function that reads the labels `([z,] y, x)`, or `(y, x)` of one slice. It raises InputError for an unusable
        file.
    """

    name: str
    time: int
    z: int | None
    read: Callable[[], Labels]


def is_dataset(address: str) -> bool:
    """Say whether an address is that of a raysynth data set, and not of a folder of images.

    Parameters
    ----------
    address
        A folder or a URI.

    Returns
    -------
    bool
        True for every URI with a scheme, and for folders with a manifest.
    """
    return "://" in address or (Path(address) / MANIFEST_KEY).is_file()


def label_images(address: str) -> list[LabelImage]:
    """List the label images at an address.

    Parameters
    ----------
    address
        A data set, or a folder of `maskTTT.tif`, `man_segTTT.tif`, `man_trackTTT.tif` or `man_seg_TTT_ZZZ.tif` (the
        annotated slice ZZZ of a volume).

    Returns
    -------
    list of LabelImage
        By frame and slice.

    Raises
    ------
    InputError
        For anything else, and where two files are for one frame.
    """
    if is_dataset(address):
        dataset = Dataset(address)
        return [LabelImage(f"frame {t}", t, None, partial(dataset.labels, t)) for t in dataset.present]
    return _of_folder(Path(address))


def _of_folder(folder: Path) -> list[LabelImage]:
    if not folder.is_dir():
        raise InputError(f"{folder} is neither a raysynth data set nor a folder: give one of the two.")
    found: dict[tuple[int, int], LabelImage] = {}
    for path in sorted(folder.iterdir()):
        if (image := _label_image(path)) is None:
            continue
        # None and numbers cannot be sorted together: a whole frame comes before its slices.
        key = (image.time, -1 if image.z is None else image.z)
        if key in found:
            raise InputError(f"{path} and {found[key].name} are labels of the same frame: remove one of them.")
        found[key] = image
    if not found:
        raise InputError(
            f"{folder} holds no label images: give the folder of the maskTTT.tif, man_segTTT.tif or man_trackTTT.tif."
        )
    return [found[key] for key in sorted(found)]


def _label_image(path: Path) -> LabelImage | None:
    name = label_file_name(path.name)
    return None if name is None else LabelImage(path.name, name.time, name.z, partial(read_labels, path))
