"""Real frames: where a frame's image and labels are, and reading them safely."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import tifffile
from numpy.typing import NDArray

from raysynth.base.errors import InputError

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class LabelFile:
    """One label image; `z` is the annotated slice of a sparsely labelled volume, None for a whole frame's labels."""

    path: Path
    z: int | None = None


@dataclass(frozen=True)
class Pixels:
    """What a frame holds, cut to the frame's z range.

    image: `(z, y, x)` or `(y, x)` in the file's own type.
    labels: uint32, the same shape; 0 is background, and everything outside `slices`.
    slices: the annotated slices of a sparsely labelled volume; None where all are.
    columns: first column and one past the last whose cells belong to the frame's split.
    """

    image: NDArray[np.generic]
    labels: NDArray[np.uint32]
    slices: tuple[int, ...] | None
    columns: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """A labelled frame, not read yet.

    group: its sequence, well or embryo. time: its place in the sequence.
    window: the share of the width, from and to, whose cells belong to it (splits by region).
    """

    group: str
    time: int
    image: Path
    labels: tuple[LabelFile, ...]
    dimensions: int
    z_range: tuple[int, int] | None = None
    window: tuple[float, float] = (0.0, 1.0)

    @property
    def name(self) -> str:
        """A name that is unique within the data set."""
        return f"{self.group}/{self.image.stem}"

    def within(self, start: float, stop: float) -> "Frame":
        """The same frame, holding only the cells between two shares of its width."""
        return replace(self, window=(start, stop))

    def read(self) -> Pixels:
        """Image and labels; raises InputError that names the file for anything unusable."""
        image = read_image(self.image, self.dimensions)
        labels = np.zeros(image.shape, np.uint32)
        for file in self.labels:
            _paint(labels, file, self.image)
        slices = tuple(sorted(f.z for f in self.labels if f.z is not None)) or None
        if self.z_range is not None:
            image, labels, slices = _cut(image, labels, slices, self.z_range, self.image)
        width = image.shape[-1]
        return Pixels(image, labels, slices, (round(self.window[0] * width), round(self.window[1] * width)))


def as_volume(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """`(z, y, x)` as it is, `(y, x)` with one slice."""
    return array if array.ndim == 3 else array[None]


def read_tiff(path: Path) -> NDArray[np.generic]:
    """All of a TIFF as one array; a file that cannot be decoded raises InputError."""
    try:
        return np.asarray(tifffile.imread(path))
    # tifffile and its codecs report damage with whatever type the failing layer has; every one means the same here.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(f"{path} cannot be read as a TIFF ({reason}): fetch or export it again.") from error


def read_image(path: Path, dimensions: int) -> NDArray[np.generic]:
    """A grey image of `dimensions` axes, finite everywhere."""
    image = read_tiff(path)
    if image.ndim != dimensions:
        raise InputError(
            f"{path} has shape {image.shape}, but data.dimensions is {dimensions}: "
            "give single-channel images or correct the setting."
        )
    if image.dtype.kind not in "uif":
        raise InputError(f"{path} holds {image.dtype} values: give integer or floating-point grey values.")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise InputError(f"{path} contains NaN or infinite values: remove or repair the frame.")
    return image


def read_labels(path: Path) -> NDArray[np.uint32]:
    """A label image as uint32, one id per cell."""
    labels = read_tiff(path)
    if labels.dtype.kind not in "ui" or labels.min(initial=0) < 0:
        raise InputError(f"{path} holds {labels.dtype} values: label images need one whole number above 0 per cell.")
    return labels.astype(np.uint32)


def _paint(target: NDArray[np.uint32], file: LabelFile, image: Path) -> None:
    labels = read_labels(file.path)
    if file.z is not None and file.z >= len(target):
        raise InputError(
            f"{file.path} annotates slice {file.z}, but {image} has {len(target)} slices: remove one of them."
        )
    place = target if file.z is None else target[file.z]
    if labels.shape != place.shape:
        raise InputError(
            f"{file.path} has shape {labels.shape}, but {image} has {place.shape}: labels must match their image."
        )
    place[...] = labels


def _cut(
    image: NDArray[np.generic],
    labels: NDArray[np.uint32],
    slices: tuple[int, ...] | None,
    z_range: tuple[int, int],
    path: Path,
) -> tuple[NDArray[np.generic], NDArray[np.uint32], tuple[int, ...] | None]:
    first, last = z_range
    if last > len(image):
        raise InputError(f"{path} has {len(image)} slices, but data.z_range asks for {first} to {last}: lower it.")
    if slices is not None:
        slices = tuple(z - first for z in slices if first <= z < last)
    return image[first:last], labels[first:last], slices
