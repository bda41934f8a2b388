"""Sets of labelled frames to compare: raysynth data sets, CTC sequences, folders of images and masks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from raysynth.base.errors import InputError
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

    labels: which of several label folders was taken. voxel_um: z, y, x (2D: y, x), None where it is not known.
    frames: each gives its pixels; raises InputError for an unusable file.
    """

    name: str
    labels: str
    voxel_um: tuple[float, ...] | None
    frames: tuple[Callable[[], Pixels], ...]

    def some(self, count: int) -> "FrameSet":
        """At most `count` frames, evenly spaced."""
        if count >= len(self.frames):
            return self
        picked = np.linspace(0, len(self.frames) - 1, count).round().astype(int)
        return replace(self, frames=tuple(self.frames[i] for i in picked))

    def halves(self) -> tuple["FrameSet", "FrameSet"]:
        """The first and the second half: frames that follow one another show the same cells and stay together.

        Raises InputError for a single frame.
        """
        if len(self.frames) < 2:
            raise InputError(f"{self.name} has one labelled frame, but is compared half with half: give at least 2.")
        middle = len(self.frames) // 2
        return replace(self, frames=self.frames[:middle]), replace(self, frames=self.frames[middle:])

    def read(self) -> list[Pixels]:
        """All frames."""
        return [frame() for frame in self.frames]


def whole_cells(pixels: Pixels) -> list[LabelledCell]:
    """The cells of a frame that its border does not cut and that are of one piece."""
    return [cell for cell in find_cells(pixels) if cell.left_out is None]


def median_diameter(frames: Sequence[Pixels], name: str) -> float:
    """Median diameter, in pixels, of the whole cells of some frames, seen along z; InputError where there are none."""
    diameters = [cell.diameter_px for pixels in frames for cell in whole_cells(pixels)]
    if not diameters:
        raise InputError(f"{name} has no labelled cell that is whole: check its labels.")
    return float(np.median(diameters))


def frame_set(place: str) -> FrameSet:
    """The labelled frames of a place.

    place: a data set; a folder with `images` and `masks`; a CTC sequence (`.../01`, its labels beside it) or the folder
    that holds the sequences. Raises InputError for anything else and for sets without labelled frames.
    """
    found = _dataset(place) if is_dataset(place) else _folder(Path(place))
    if not found.frames:
        raise InputError(f"{place} has no labelled frames: give one that has.")
    return found


def _dataset(place: str) -> FrameSet:
    dataset = Dataset(place)
    return FrameSet(
        place, "labels/cells", dataset.voxel_um, tuple(partial(_pixels, dataset, frame) for frame in dataset.present)
    )


def _pixels(dataset: Dataset, frame: int) -> Pixels:
    image = dataset.image(frame)
    return Pixels(image, dataset.labels(frame), None, (0, image.shape[-1]))


def _folder(folder: Path) -> FrameSet:
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        config = DataConfig(root=str(folder), layout="pairs", dimensions=_dimensions(folder / "images"))
        return _of_files(folder, "masks", folder_frames(config))
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
    """Axes of the first image of a folder."""
    files = sorted(p for p in images.iterdir() if p.suffix.lower() in (".tif", ".tiff"))
    if not files:
        raise InputError(f"{images} holds no TIFF files: give the folder of the images.")
    axes = read_tiff(files[0]).ndim
    if axes not in (2, 3):
        raise InputError(f"{files[0]} has {axes} axes: give single-channel images of 2 (y, x) or 3 (z, y, x).")
    return axes
