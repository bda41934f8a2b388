"""Which voxels of a frame are taken, and whether a mask fits at an offset.

Two tests, both of a cost proportional to the mask and not to the frame: a sample of the mask's outline looked up at
many offsets at once throws most of them out; the survivors are compared voxel by voxel, so no overlap is ever missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from raysynth.preparation.statistics import Region

OUTLINE_SAMPLE = 128

Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Footprint:
    """A mask as placement sees it, coordinates in the mask's own box.

    outline: voxels with a face neighbour outside `(b, d)`, at most OUTLINE_SAMPLE of them, evenly taken.
    centre: the mask's own voxel at or next to the centroid of the outline `(d,)`. reach: largest distance from there to
    the outline, in-plane pixels.
    """

    mask: NDArray[np.bool_]
    outline: Offsets
    centre: Offsets
    reach: float

    @classmethod
    def of(cls, mask: NDArray[np.bool_], z_scale: float = 1.0) -> "Footprint":
        """Measure a mask that is not empty; one step in z is `z_scale` in-plane pixels."""
        outline = np.argwhere(outline_of(mask))
        centre = np.rint(outline.mean(axis=0)).astype(np.int64)
        if not mask[tuple(centre)]:
            centre = outline[((outline - centre) ** 2).sum(axis=1).argmin()]
        apart = (outline - centre) * axis_scale(mask.ndim, z_scale)
        keep = np.linspace(0, len(outline) - 1, min(OUTLINE_SAMPLE, len(outline))).astype(np.int64)
        return cls(mask, outline[keep], centre, float(np.sqrt((apart**2).sum(axis=1).max())))


def outline_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of the mask with a face neighbour outside it or outside its box."""
    core = mask.copy()
    for axis in range(mask.ndim):
        inner, outer = np.moveaxis(core, axis, 0), np.moveaxis(mask, axis, 0)
        inner[1:] &= outer[:-1]
        inner[:-1] &= outer[1:]
        inner[[0, -1]] = False
    return mask & ~core


def axis_scale(dimensions: int, z_scale: float) -> NDArray[np.float64]:
    """Length of one step along each axis, in in-plane pixels."""
    return np.array([z_scale, 1.0, 1.0])[-dimensions:]


class Occupancy:
    """The taken voxels of one frame: outside the region of support, or within the gap of a placed cell."""

    def __init__(
        self,
        frame_px: Sequence[int],
        region: Region | None = None,
        gap_px: float = 0,
        overhang_px: int = 0,
        z_scale: float = 1.0,
    ) -> None:
        """An empty frame. Masks may reach `overhang_px` past its y and x borders, and never past z."""
        dimensions = len(frame_px)
        self.gap_px, self.scale = gap_px, axis_scale(dimensions, z_scale)
        self.halo = np.floor(gap_px / self.scale).astype(np.int64)
        overhang = np.array([0, overhang_px, overhang_px])[-dimensions:]
        self.pad = self.halo + overhang
        shape = np.asarray(frame_px) + 2 * self.pad
        self.taken = np.ones(shape, bool)
        allowed = _box(self.halo, shape - 2 * self.halo)
        if region is None:
            self.taken[allowed] = False
        else:
            centre = tuple(float(c + p) for c, p in zip(region.centre_px, self.pad, strict=True))
            self.taken[allowed] = ~region.model_copy(update={"centre_px": centre}).inside(shape)[allowed]
        self._flat = self.taken.reshape(-1)
        self._strides = np.array([s // self.taken.itemsize for s in self.taken.strides])

    def may_fit(self, offsets: Offsets, footprint: Footprint) -> NDArray[np.bool_]:
        """For offsets `(k, d)` of the mask's box, all within reach of the frame: false where the outline hits."""
        base = (offsets + self.pad) @ self._strides
        return ~self._flat[base[:, None] + footprint.outline @ self._strides].any(axis=1)

    def fits(self, offset: Offsets, mask: NDArray[np.bool_]) -> bool:
        """Whether no voxel of the mask is taken, the gap included."""
        return not bool(np.any(self.taken[_box(offset + self.pad, mask.shape)] & mask))

    def add(self, offset: Offsets, mask: NDArray[np.bool_]) -> None:
        """Take the mask's voxels and those within the gap of them."""
        if self.gap_px:
            grown = np.pad(mask, [(int(h), int(h)) for h in self.halo])
            mask = distance_transform_edt(~grown, sampling=self.scale) <= self.gap_px
        self.taken[_box(offset + self.pad - self.halo, mask.shape)] |= mask


def _box(corner: NDArray[np.int64], shape: Sequence[int] | NDArray[np.int64]) -> tuple[slice, ...]:
    return tuple(slice(int(c), int(c) + int(n)) for c, n in zip(corner, shape, strict=True))
