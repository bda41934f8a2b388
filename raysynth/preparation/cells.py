"""The labelled cells of a frame, and why some of them cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import ConvexHull
from skimage.measure import label as connected_components
from skimage.measure import regionprops

from raysynth.base.arrays import Mask
from raysynth.data.frames import Pixels, as_volume

BORDER = "cut by the frame's border"
PIECES = "in several pieces"
FRAGMENT = "a fragment"
TOO_LARGE = "larger than the crop"

_LARGEST_PIECE = 0.9
"""Fraction of a label that its largest piece must hold. The rest of it is dropped as a slip of the pen."""

# Three by three pixels: below that an outline has no form to learn, whatever its population is.
_LEAST_OUTLINE_PX = 9
_LEAST_OUTLINE = 0.1
"""Fraction of the usual outline's area below which a label is a fragment."""


@dataclass(frozen=True)
class LabelledCell:
    """One label of one frame; 2D frames count as volumes of one slice.

    Attributes
    ----------
    label
        Its number in the label image.
    start
        First voxel (z, y, x) of `mask` in the frame.
    mask
        The cell `(z, y, x)`, trimmed to its bounding box.
    sparse
        Whether only single slices of the volume are annotated.
    cut_z
        Whether it reaches the first or last slice of a volume.
    left_out
        The reason why it is not used; None: it is.
    """

    label: int
    start: tuple[int, int, int]
    mask: Mask
    sparse: bool
    cut_z: bool
    left_out: str | None

    @property
    def outline(self) -> Mask:
        """What the mask model learns `(y, x)`: the projection along z, or the largest annotated slice."""
        if self.sparse:
            return self.mask[int(self.mask.sum(axis=(1, 2)).argmax())]
        return self.mask.any(axis=0)

    @property
    def diameter_px(self) -> float:
        """Diameter of the circle of the outline's area."""
        return float(2 * np.sqrt(self.outline.sum() / np.pi))

    @property
    def solidity(self) -> float:
        """Area of the outline over the area of its convex hull, pixels taken as unit squares."""
        y, x = np.nonzero(self.outline)
        corners = np.concatenate([np.stack([y + i, x + j], 1) for i in (0, 1) for j in (0, 1)])
        return float(len(y) / ConvexHull(corners).volume)  # in two dimensions scipy calls the area "volume"

    @property
    def eccentricity(self) -> float:
        """Eccentricity of the ellipse with the outline's second moments: 0 for a circle, near 1 for a line."""
        return float(regionprops(self.outline.astype(np.uint8))[0].eccentricity)

    def extent_um(self, voxel_um: tuple[float, ...]) -> tuple[float, float]:
        """Measure the cell in µm.

        Parameters
        ----------
        voxel_um
            Size of a voxel (z, y, x).

        Returns
        -------
        tuple of float
            Height along z, and the outline's diameter.
        """
        return len(self.mask) * voxel_um[0], self.diameter_px * (voxel_um[1] * voxel_um[2]) ** 0.5

    @property
    def centre(self) -> tuple[int, int]:
        """Middle (y, x) of the outline's bounding box."""
        return self.start[1] + self.mask.shape[1] // 2, self.start[2] + self.mask.shape[2] // 2


def find_cells(pixels: Pixels) -> list[LabelledCell]:
    """Find every labelled cell whose centre lies in the frame's columns.

    Parameters
    ----------
    pixels
        A frame; only its labels are read.

    Returns
    -------
    list of LabelledCell
        In the order of their labels. Those cut by the border or in several pieces are marked as left out.
    """
    labels = as_volume(pixels.labels)
    found = []
    for region in regionprops(labels.astype(np.int64)):
        # The strip is half open, so a cell on the border of two strips belongs to one of them.
        middle = (region.bbox[2] + region.bbox[5] - 1) / 2
        if pixels.columns[0] <= middle < pixels.columns[1]:
            found.append(_inspect(region.label, region.bbox, region.image, labels.shape, pixels.slices is not None))
    return found


def _inspect(label: int, box: tuple[int, ...], image: Mask, frame: tuple[int, ...], sparse: bool) -> LabelledCell:
    """Make the cell of one label; `box`: first voxel, then one past the last; `image`: its mask there."""
    whole = image.sum()
    # Corners count as contact: volumes are labelled slice by slice, and slices of a slanted cell may meet in corners
    # only.
    parts = connected_components(image, connectivity=3)
    mask = image
    # Between annotated slices labels are missing, so the pieces of a sparse volume are one cell all the same.
    if not sparse and parts.max() > 1:
        mask = parts == 1 + np.bincount(parts[image])[1:].argmax()
    reason = None
    # Of y and x only: a cell that the stack cuts in z still shows its outline, so it is marked, not left out.
    if min(box[1], box[2]) == 0 or box[4] == frame[1] or box[5] == frame[2]:
        reason = BORDER
    elif mask.sum() < _LARGEST_PIECE * whole:
        reason = PIECES
    cut_z = frame[0] > 1 and (box[0] == 0 or box[3] == frame[0])
    start, mask = _trim(mask, box[:3])
    return LabelledCell(label, start, mask, sparse, cut_z, reason)


def _trim(mask: Mask, start: tuple[int, ...]) -> tuple[tuple[int, int, int], Mask]:
    """Cut a mask to its bounding box, and move its first voxel along."""
    index = np.nonzero(mask)
    low, high = [int(i.min()) for i in index], [int(i.max()) + 1 for i in index]
    z, y, x = (s + a for s, a in zip(start, low, strict=True))
    return (z, y, x), mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]


def usual_area(cells: Sequence[LabelledCell]) -> float:
    """Give the median outline area of the cells in use.

    Parameters
    ----------
    cells
        Cells, at least one of them in use.

    Returns
    -------
    float
        Pixels.
    """
    return float(np.median([c.outline.sum() for c in cells if c.left_out is None]))


def without_misfits(cells: Sequence[LabelledCell], area_px: float, largest_px: int) -> list[LabelledCell]:
    """Mark fragments and cells that are too large for a crop as left out.

    Parameters
    ----------
    cells
        The cells of a frame.
    area_px
        The usual outline area in pixels. What is far below it is a fragment.
    largest_px
        The largest width and height in pixels that a crop holds.

    Returns
    -------
    list of LabelledCell
        All of them, in order; a reason that a cell already had stays.
    """
    least = max(_LEAST_OUTLINE_PX, _LEAST_OUTLINE * area_px)
    marked = []
    for cell in cells:
        reason = cell.left_out
        if reason is None and cell.outline.sum() < least:
            reason = FRAGMENT
        if reason is None and max(cell.mask.shape[1:]) > largest_px:
            reason = TOO_LARGE
        marked.append(replace(cell, left_out=reason))
    return marked
