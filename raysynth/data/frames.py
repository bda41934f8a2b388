"""Real frames: where a frame's image and labels are, and reading them safely."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tifffile
from numpy.typing import NDArray

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError, first_line

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class LabelFile:
    """One label image.

    Attributes
    ----------
    path
        Its file.
    z
        The annotated slice of a sparsely labelled volume; None: it labels the whole frame.
    """

    path: Path
    z: int | None = None


@dataclass(frozen=True)
class Pixels:
    """What a frame holds, cut to the frame's z range.

    Attributes
    ----------
    image
        `(z, y, x)` or `(y, x)` in the file's own type.
    labels
        The same shape; 0 is background, and everything outside `slices`.
    slices
        The annotated slices of a sparsely labelled volume; None: all are.
    columns
        First column and one past the last whose cells belong to the frame's split.
    """

    image: NDArray[Any]
    labels: Labels
    slices: tuple[int, ...] | None
    columns: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """A labelled frame, not read yet.

    Attributes
    ----------
    group
        Its sequence, well or embryo.
    time
        Its position in the sequence.
    image
        File of its image.
    labels
        Files of its labels.
    dimensions
        2 or 3.
    z_range
        First slice and one past the last that are read; None: all.
    window
        Where the columns begin and end whose cells belong to it, as fractions of the width (splits by region).
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
        """Keep only the cells of some columns.

        Parameters
        ----------
        start, stop
            Where the columns begin and end, as fractions of the width.

        Returns
        -------
        Frame
            The same frame with another window.
        """
        return replace(self, window=(start, stop))

    def read(self) -> Pixels:
        """Read image and labels.

        Returns
        -------
        Pixels
            What the files hold.

        Raises
        ------
        InputError
            For anything unusable; it names the file.
        """
        image = read_image(self.image, self.dimensions)
        labels = np.zeros(image.shape, np.uint32)
        for file in self.labels:
            _paint(labels, file, self.image)
        # Before the cut: files name slices of the whole volume. Empty means labelled throughout, which None says.
        slices = tuple(sorted(f.z for f in self.labels if f.z is not None)) or None
        if self.z_range is not None:
            image, labels, slices = _cut(image, labels, slices, self.z_range, self.image)
        # Neighbouring strips round the same border to the same column: none is left out and none counts twice.
        width = image.shape[-1]
        return Pixels(image, labels, slices, (round(self.window[0] * width), round(self.window[1] * width)))


def as_volume(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Give every frame three axes.

    Parameters
    ----------
    array
        `(z, y, x)` or `(y, x)`.

    Returns
    -------
    numpy.ndarray
        A view `(z, y, x)`; 2D frames have one slice.
    """
    return array if array.ndim == 3 else array[None]


def read_tiff(path: Path) -> NDArray[Any]:
    """Read all of a TIFF as one array.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    numpy.ndarray
        In the file's own type and shape.

    Raises
    ------
    InputError
        When it cannot be decoded.
    """
    try:
        return np.asarray(tifffile.imread(path))
    # tifffile and its codecs report damage with whatever type the failing layer has; every one means the same here.
    except Exception as error:
        raise InputError(f"{path} cannot be read as a TIFF ({first_line(error)}): fetch or export it again.") from error


def read_image(path: Path, dimensions: int) -> NDArray[Any]:
    """Read a grey image.

    Parameters
    ----------
    path
        The file.
    dimensions
        Number of axes it must have.

    Returns
    -------
    numpy.ndarray
        Finite grey values in the file's own type.

    Raises
    ------
    InputError
        For another number of axes, other types, and values that are not finite.
    """
    image = read_tiff(path)
    if image.ndim != dimensions:
        raise InputError(
            f"{path} has shape {image.shape}, but data.dimensions is {dimensions}: "
            "give single-channel images or correct the setting."
        )
    # Booleans would pass as grey values of 0 and 1: whoever gives them has mixed up images and masks.
    if image.dtype.kind not in "uif":
        raise InputError(f"{path} holds {image.dtype} values: give integer or floating-point grey values.")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise InputError(f"{path} contains NaN or infinite values: remove or repair the frame.")
    return image


def read_labels(path: Path) -> Labels:
    """Read a label image.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Labels
        One number per cell, of any number of axes.

    Raises
    ------
    InputError
        When its values are not whole numbers from 0 up.
    """
    labels = read_tiff(path)
    # The least of no values is an error in numpy; with `initial` an empty file passes and fails by its shape.
    if labels.dtype.kind not in "ui" or labels.min(initial=0) < 0:
        raise InputError(f"{path} holds {labels.dtype} values: label images need one whole number above 0 per cell.")
    return labels.astype(np.uint32)


def _paint(target: Labels, file: LabelFile, image: Path) -> None:
    """Copy a label file into the labels of the frame."""
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
    image: NDArray[Any], labels: Labels, slices: tuple[int, ...] | None, z_range: tuple[int, int], path: Path
) -> tuple[NDArray[Any], Labels, tuple[int, ...] | None]:
    """Keep the slices of a range, and number the annotated ones anew."""
    first, last = z_range
    if last > len(image):
        raise InputError(f"{path} has {len(image)} slices, but data.z_range asks for {first} to {last}: lower it.")
    if slices is not None:
        # It may become empty, which is not None: the frame then still counts as sparsely labelled.
        slices = tuple(z - first for z in slices if first <= z < last)
    return image[first:last], labels[first:last], slices
