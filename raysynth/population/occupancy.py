"""Which voxels of a frame are taken, and whether a mask fits at an offset.

Two tests, both of a cost proportional to the mask and not to the frame: a sample of the mask's outline looked up at
many offsets at once throws most of them out; the survivors are compared voxel by voxel, so no overlap is ever missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from raysynth.base.arrays import Doubles, Mask
from raysynth.preparation.statistics import Region

# An offset that fails mostly fails at many voxels of the outline, so a sample of them finds it.
_OUTLINE_SAMPLE = 128
"""Voxels of an outline that are looked up before a mask is compared as a whole."""

Offsets = NDArray[np.int64]
"""Positions in a frame in voxels, `(d,)` or `(k, d)`."""


@dataclass(frozen=True)
class Footprint:
    """A mask as placement sees it, coordinates in the mask's own box.

    Attributes
    ----------
    mask
        The mask.
    outline
        Voxels with a face neighbour outside `(b, d)`; a fixed number at most, evenly taken.
    centre
        The mask's own voxel at or next to the centroid of the outline `(d,)`.
    reach
        Largest distance from there to the outline, in-plane pixels.
    """

    mask: Mask
    outline: Offsets
    centre: Offsets
    reach: float

    @classmethod
    def of(cls, mask: Mask, z_scale: float = 1.0) -> "Footprint":
        """Measure a mask.

        Parameters
        ----------
        mask
            A mask that is not empty.
        z_scale
            One step in z over one in the plane.

        Returns
        -------
        Footprint
            What placement needs of it.
        """
        outline = np.argwhere(outline_of(mask))
        centre = np.rint(outline.mean(axis=0)).astype(np.int64)
        # The centroid of a bent cell may lie outside it, and sliding towards it would end in the bend.
        if not mask[tuple(centre)]:
            centre = outline[((outline - centre) ** 2).sum(axis=1).argmin()]
        apart = (outline - centre) * axis_scale(mask.ndim, z_scale)
        keep = np.linspace(0, len(outline) - 1, min(_OUTLINE_SAMPLE, len(outline))).astype(np.int64)
        return cls(mask, outline[keep], centre, float(np.sqrt((apart**2).sum(axis=1).max())))


def outline_of(mask: Mask) -> Mask:
    """Find the voxels of a mask with a face neighbour outside it or outside its box.

    Parameters
    ----------
    mask
        Any number of dimensions.

    Returns
    -------
    Mask
        The outline, of the mask's shape.
    """
    # An erosion by hand: slices of arrays take a quarter of the time of scipy's on masks of this size.
    core = mask.copy()
    for axis in range(mask.ndim):
        inner, outer = np.moveaxis(core, axis, 0), np.moveaxis(mask, axis, 0)
        inner[1:] &= outer[:-1]
        inner[:-1] &= outer[1:]
        inner[[0, -1]] = False
    return mask & ~core


def axis_scale(dimensions: int, z_scale: float) -> Doubles:
    """Give the length of one step along each axis.

    Parameters
    ----------
    dimensions
        2 or 3.
    z_scale
        One step in z over one in the plane.

    Returns
    -------
    Doubles
        In-plane pixels, `([z,] y, x)`.
    """
    return np.array([z_scale, 1.0, 1.0])[-dimensions:]


class Occupancy:
    """The taken voxels of one frame: outside the region of support, or within the gap of a placed cell.

    Parameters
    ----------
    frame_px
        Shape of the frame.
    region
        Region of support; None: the whole frame.
    gap_px
        Least distance between two cells, in-plane pixels.
    overhang_px
        How far masks may reach past the y and x borders; never past z.
    z_scale
        One step in z over one in the plane.
    """

    def __init__(
        self,
        frame_px: Sequence[int],
        region: Region | None = None,
        gap_px: float = 0,
        overhang_px: int = 0,
        z_scale: float = 1.0,
    ) -> None:
        dimensions = len(frame_px)
        self.gap_px, self.scale = gap_px, axis_scale(dimensions, z_scale)
        # A step past this along any one axis is already farther than the gap.
        self.halo = np.floor(gap_px / self.scale).astype(np.int64)
        overhang = np.array([0, overhang_px, overhang_px])[-dimensions:]
        self.pad = self.halo + overhang
        shape = np.asarray(frame_px) + 2 * self.pad
        # Room for the gaps of cells at the border. It stays taken, so that no cell reaches into it.
        self.taken = np.ones(shape, bool)
        allowed = _box(self.halo, shape - 2 * self.halo)
        if region is None:
            self.taken[allowed] = False
        else:
            centre = tuple(float(c + p) for c, p in zip(region.centre_px, self.pad, strict=True))
            moved = Region(centre_px=centre, semi_axes_px=region.semi_axes_px)
            self.taken[allowed] = ~moved.inside(shape)[allowed]
        self._flat = self.taken.reshape(-1)
        self._strides = np.array([s // self.taken.itemsize for s in self.taken.strides])

    def may_fit(self, offsets: Offsets, footprint: Footprint) -> Mask:
        """Throw out offsets at which a mask's outline hits something.

        Parameters
        ----------
        offsets
            Corners of the mask's box `(k, d)`, all within reach of the frame.
        footprint
            The mask.

        Returns
        -------
        Mask
            `(k,)`; False where the mask does not fit, True where it may.
        """
        # Flat indices: one multiplication per offset and one look-up per voxel, with no tuple of axes.
        base = (offsets + self.pad) @ self._strides
        return ~self._flat[base[:, None] + footprint.outline @ self._strides].any(axis=1)

    def fits(self, offset: Offsets, mask: Mask) -> bool:
        """Tell whether a mask fits, the gap included.

        Parameters
        ----------
        offset
            Corner of its box `(d,)`.
        mask
            The mask.

        Returns
        -------
        bool
            Whether none of its voxels is taken.
        """
        return not bool(np.any(self.taken[_box(offset + self.pad, mask.shape)] & mask))

    def add(self, offset: Offsets, mask: Mask) -> None:
        """Take a mask's voxels and those within the gap of them.

        Parameters
        ----------
        offset
            Corner of its box `(d,)`.
        mask
            The mask.
        """
        if self.gap_px:
            grown = np.pad(mask, [(int(h), int(h)) for h in self.halo])
            mask = distance_transform_edt(~grown, sampling=self.scale) <= self.gap_px
        self.taken[_box(offset + self.pad - self.halo, mask.shape)] |= mask


def _box(corner: NDArray[np.int64], shape: Sequence[int] | NDArray[np.int64]) -> tuple[slice, ...]:
    return tuple(slice(int(c), int(c) + int(n)) for c, n in zip(corner, shape, strict=True))
