"""Frames as pictures: grey values to screen, coloured outlines, three views of a volume.

A picture is an array `(rows, columns, 3)` of uint8.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import find_boundaries

from raysynth.base.arrays import Labels

Picture = NDArray[np.uint8]
_Plane = NDArray[Any]

SHEET_COLOUR = (17, 19, 24)
GAP_PX = 6
# 1 / φ: of all steps round the circle of hues, this one stays furthest from repeating itself.
_GOLDEN = 0.6180339887
_GAMMA = 0.75


@dataclass(frozen=True)
class Screen:
    """How pixels become screen pixels.

    Attributes
    ----------
    low, high
        Grey values shown black and white; between them a power below 1 lifts dim structures.
    zoom
        Screen pixels per pixel along z, y, x (2D: y, x); at least 2 along y and x, so that outlines lie on the edges.
    """

    low: float
    high: float
    zoom: tuple[float, ...]

    def grey(self, plane: _Plane, zoom: Sequence[float]) -> Picture:
        """Enlarge a plane of an image smoothly.

        Parameters
        ----------
        plane
            `(rows, columns)`, in grey values.
        zoom
            Screen pixels per pixel along its two axes.
        """
        unit = np.clip((plane.astype(np.float32) - self.low) / max(self.high - self.low, 1e-6), 0, 1)
        rows, columns = (round(n * f) for n, f in zip(unit.shape, zoom, strict=True))
        large = np.asarray(Image.fromarray(unit).resize((columns, rows), Image.Resampling.BICUBIC))
        # Bicubic curves overshoot beside edges, and a power of a negative number is NaN.
        return np.repeat((np.clip(large, 0, 1) ** _GAMMA * 255).round().astype(np.uint8)[..., None], 3, axis=2)

    def frame(self, image: NDArray[Any], labels: NDArray[Any] | None = None) -> Picture:
        """Draw a 2D image.

        Parameters
        ----------
        image
            `(y, x)`, in grey values.
        labels
            `(y, x)`: cells that are outlined; None: no outlines.
        """
        picture = self.grey(image, self.zoom)
        return picture if labels is None else outlined(picture, labels)

    def volume(
        self, image: NDArray[Any], labels: NDArray[Any] | None = None, at: tuple[int, int, int] | None = None
    ) -> Picture:
        """Draw three views of a volume: (y, x) at the top left, (y, z) to its right and (z, x) below it.

        Parameters
        ----------
        image
            `(z, y, x)`, in grey values.
        labels
            `(z, y, x)`: cells that are outlined; None: no outlines.
        at
            The voxel z, y, x whose sections are shown; None: maximum projections.
        """
        z, y, x = self.zoom
        pictures = [self.grey(*view) for view in zip(views(image, at), ((y, x), (y, z), (z, x)), strict=True)]
        if labels is not None:
            pictures = [outlined(*pair) for pair in zip(pictures, views(labels, at), strict=True)]
        return _arranged(*pictures)


def views(volume: NDArray[Any], at: tuple[int, int, int] | None) -> tuple[_Plane, _Plane, _Plane]:
    """Take the (y, x), (y, z) and (z, x) planes of a volume.

    Parameters
    ----------
    volume
        `(z, y, x)`.
    at
        The voxel z, y, x whose sections are taken; None: maximum projections.
    """
    if at is None:
        # Transposed, so that y keeps running down beside the first view.
        return volume.max(axis=0), volume.max(axis=2).T, volume.max(axis=1)
    z, y, x = at
    return volume[z], volume[:, :, x].T, volume[:, y]


def _arranged(yx: Picture, yz: Picture, zx: Picture) -> Picture:
    height, width = yx.shape[0] + GAP_PX + zx.shape[0], yx.shape[1] + GAP_PX + yz.shape[1]
    sheet = np.full((height, width, 3), SHEET_COLOUR, np.uint8)
    sheet[: yx.shape[0], : yx.shape[1]] = yx
    sheet[: yz.shape[0], -yz.shape[1] :] = yz
    sheet[-zx.shape[0] :, : zx.shape[1]] = zx
    return sheet


def richest(labels: Labels) -> tuple[int, int, int]:
    """Find the voxel whose three sections show most: on each axis, the plane with the largest labelled area.

    Parameters
    ----------
    labels
        `(z, y, x)`; 0 is background.

    Returns
    -------
    tuple of int
        The voxel z, y, x.
    """
    inside = labels > 0
    z, y, x = (int(inside.sum(axis=axes).argmax()) for axes in ((1, 2), (0, 2), (0, 1)))
    return z, y, x


def colours(labels: NDArray[Any]) -> Picture:
    """Give each label a bright colour.

    Hues step by the golden ratio, which keeps consecutive labels far apart.

    Parameters
    ----------
    labels
        Any shape.

    Returns
    -------
    numpy.ndarray
        `(*labels.shape, 3)`, uint8.
    """
    # colorsys works on one colour at a time: once per label, not per pixel.
    ids, inverse = np.unique(labels, return_inverse=True)
    table = np.array([colorsys.hsv_to_rgb(int(i) * _GOLDEN % 1, 0.65, 1) for i in ids]).reshape(-1, 3)
    return (table * 255).astype(np.uint8)[inverse.reshape(labels.shape)]


def outlined(picture: Picture, labels: _Plane) -> Picture:
    """Draw a line of one screen pixel along the inner edge of each label.

    Parameters
    ----------
    picture
        What is drawn on, a copy of it.
    labels
        `(rows, columns)` of the plane that the picture shows.
    """
    rows, columns = (
        np.arange(large) * small // large for large, small in zip(picture.shape[:2], labels.shape, strict=True)
    )
    # The nearest pixel: anything smoother would mix labels.
    large = labels[np.ix_(rows, columns)]
    edge = find_boundaries(large, mode="inner")
    result = picture.copy()
    result[edge] = colours(large[edge])
    return result
