"""Sets of labelled frames to compare: raysynth data sets, CTC sequences, folders of images and masks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from raysynth.base.errors import InputError
from raysynth.base.sampling import evenly_spaced
from raysynth.config import DataConfig
from raysynth.data.ctc import ctc_frames
from raysynth.data.folders import folder_frames
from raysynth.data.frames import Frame, Pixels, read_tiff
from raysynth.measures.label_sets import is_dataset
from raysynth.preparation.cells import LabelledCell, find_cells
from raysynth.store.reader import Dataset

# Silver and error-free labels name every cell; gold ones often only some.
_LABELS = ("{sequence}_ST/SEG", "{sequence}_ERR_SEG", "{sequence}_GT/SEG")
_SEQUENCE = re.compile(r"\d\d")


@dataclass(frozen=True)
class FrameSet:
    """Frames with labels, in order, not read yet.

    Attributes
    ----------
    name
        Address of the set.
    labels
        Which of several label folders was taken.
    voxel_um
        Size of a voxel z, y, x (2D: y, x) in µm; None where it is not known.
    frames
        Functions that read a frame each. They raise InputError for an unusable file.
    """

    name: str
    labels: str
    voxel_um: tuple[float, ...] | None
    frames: tuple[Callable[[], Pixels], ...]

    def some(self, count: int) -> "FrameSet":
        """Choose evenly spaced frames.

        Parameters
        ----------
        count
            How many at most.

        Returns
        -------
        FrameSet
            The same set with those frames alone.
        """
        if count >= len(self.frames):
            return self
        return replace(self, frames=tuple(self.frames[i] for i in evenly_spaced(len(self.frames), count)))

    def halves(self) -> tuple["FrameSet", "FrameSet"]:
        """Cut the set into its first and its second half.

        Frames that follow one another show the same cells, so they stay together.

        Returns
        -------
        tuple of FrameSet and FrameSet
            The second one has one frame more where the number is odd.

        Raises
        ------
        InputError
            For a single frame.
        """
        if len(self.frames) < 2:
            raise InputError(f"{self.name} has one labelled frame, but is compared half with half: give at least 2.")
        middle = len(self.frames) // 2
        return replace(self, frames=self.frames[:middle]), replace(self, frames=self.frames[middle:])

    def read(self) -> list[Pixels]:
        """Read all frames.

        Returns
        -------
        list of Pixels
            Images with their labels, in order.
        """
        return [frame() for frame in self.frames]


def whole_cells(pixels: Pixels) -> list[LabelledCell]:
    """Find the cells of a frame that its border does not cut and that are of one piece.

    Parameters
    ----------
    pixels
        The frame.

    Returns
    -------
    list of LabelledCell
        In the order of their labels.
    """
    return [cell for cell in find_cells(pixels) if cell.left_out is None]


def median_diameter(frames: Sequence[Pixels], name: str) -> float:
    """Measure the median diameter of the whole cells of some frames, seen along z.

    Parameters
    ----------
    frames
        The frames.
    name
        What to call them in a message.

    Returns
    -------
    float
        In pixels.

    Raises
    ------
    InputError
        Without a whole cell.
    """
    diameters = [cell.diameter_px for pixels in frames for cell in whole_cells(pixels)]
    if not diameters:
        raise InputError(f"{name} has no labelled cell that is whole: check its labels.")
    return float(np.median(diameters))


def frame_set(address: str) -> FrameSet:
    """List the labelled frames at an address.

    Parameters
    ----------
    address
        A data set; a folder with `images` and `masks`; a CTC sequence (`.../01`, its labels beside it) or the folder
        that holds the sequences.

    Returns
    -------
    FrameSet
        The frames, not read yet.

    Raises
    ------
    InputError
        For anything else, and for sets without labelled frames.
    """
    found = _of_dataset(address) if is_dataset(address) else _of_folder(Path(address))
    if not found.frames:
        raise InputError(f"{address} has no labelled frames: give one that has.")
    return found


def _of_dataset(address: str) -> FrameSet:
    dataset = Dataset(address)
    frames = tuple(partial(_pixels, dataset, frame) for frame in dataset.present)
    return FrameSet(address, "labels/cells", dataset.voxel_um, frames)


def _pixels(dataset: Dataset, frame: int) -> Pixels:
    image = dataset.image(frame)
    # The whole width counts: a synthetic frame is not shared by several splits.
    return Pixels(image, dataset.labels(frame), None, (0, image.shape[-1]))


def _of_folder(folder: Path) -> FrameSet:
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        config = DataConfig(root=str(folder), layout="pairs", dimensions=_dimensions(folder / "images"))
        return _of_files(folder, "masks", folder_frames(config))
    # A root may be called 01 as well: a folder with such a name is a sequence only if it holds none itself.
    inside = [p for p in folder.glob("*") if p.is_dir() and _SEQUENCE.fullmatch(p.name)]
    sequences = [folder] if _SEQUENCE.fullmatch(folder.name) and folder.is_dir() and not inside else sorted(inside)
    for labels in _LABELS:
        labelled = [s for s in sequences if (s.parent / labels.format(sequence=s.name)).is_dir()]
        if labelled:
            root = labelled[0].parent
            config = DataConfig(root=str(root), dimensions=_dimensions(labelled[0]), label_folder=labels)
            frames = [frame for frame in ctc_frames(config) if frame.group in {s.name for s in labelled}]
            return _of_files(folder, labels.format(sequence="NN"), frames)
    raise InputError(
        f"{folder} is no set of labelled frames: give a raysynth data set, a folder with images and masks, "
        "or a CTC sequence that has labels beside it."
    )


def _of_files(folder: Path, labels: str, frames: Sequence[Frame]) -> FrameSet:
    return FrameSet(str(folder), labels, None, tuple(frame.read for frame in frames))


def _dimensions(images: Path) -> int:
    """Count the axes of the first image of a folder."""
    files = sorted(p for p in images.iterdir() if p.suffix.lower() in (".tif", ".tiff"))
    if not files:
        raise InputError(f"{images} holds no TIFF files: give the folder of the images.")
    axes = read_tiff(files[0]).ndim
    if axes not in (2, 3):
        raise InputError(f"{files[0]} has {axes} axes: give single-channel images of 2 (y, x) or 3 (z, y, x).")
    return axes
