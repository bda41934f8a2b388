"""Where each cell of a frame goes.

After Svoboda and Ulman (ICIAP 2013): cells are placed one by one where there is room, with probability p next to a
cell that is already there. Their exhaustive search by correlation over the whole frame is replaced by two searches
whose cost depends on the cell alone: random candidates, and sliding the cell towards a placed one until it touches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from raysynth.base.arrays import Mask
from raysynth.population.occupancy import Footprint, Occupancy, Offsets, axis_scale
from raysynth.preparation.statistics import Region

# Growing batches: one slide is cheap and mostly enough, and only crowded frames pay for 48 at once.
_SLIDES = (1, 3, 12, 48)
"""Directions tried at once next to placed cells; most cells touch on the first."""

_CANDIDATES = 64
"""Random offsets tested at once."""

_ROUNDS = 8
"""How often random offsets are tried before a cell is left out."""


@dataclass(frozen=True)
class Rules:
    """How cells share a frame.

    Attributes
    ----------
    clustering
        Probability p that a cell is placed next to another.
    gap_px
        Distance between two cells, which is exceeded (0: they may touch).
    region
        Where cells may lie, whole; None: anywhere.
    plane
        Whether all cells stand on one z-plane. The stack cuts those that are taller than it, as it does real ones.
    border_cut
        Whether cells may reach past the y and x borders, as long as their centre is inside.
    z_scale
        One step in z over one in the plane.
    """

    clustering: float = 0.5
    gap_px: float = 0.0
    region: Region | None = None
    plane: bool = False
    border_cut: bool = False
    z_scale: float = 1.0


@dataclass(frozen=True)
class Placement:
    """Where each of n cells went.

    Attributes
    ----------
    offsets
        Corner of each mask's box in the frame `(n, d)`, zero where not placed.
    placed
        Which cells have found room `(n,)`.
    clustered
        Which were put next to another one `(n,)`.
    """

    offsets: Offsets
    placed: Mask
    clustered: Mask


def place(masks: Sequence[Mask], frame_px: Sequence[int], rules: Rules, rng: Generator) -> Placement:
    """Place masks one by one in a frame.

    Parameters
    ----------
    masks
        Trimmed masks of n cells.
    frame_px
        Shape of the frame.
    rules
        How cells share it.
    rng
        Generator of this frame's placement.

    Returns
    -------
    Placement
        Where they are; those for which no room was found are left out and flagged. Cells of a cluster touch up to the
        rounding of the sliding direction to whole pixels.
    """
    n, dimensions = len(masks), len(frame_px)
    if rules.plane:
        # Cut from above: cells stand on the plane with their lowest slices.
        masks = [mask[: frame_px[0]] for mask in masks]
    overhang = max((max(mask.shape[-2:]) for mask in masks), default=0) if rules.border_cut else 0
    occupancy = Occupancy(frame_px, rules.region, rules.gap_px, overhang, rules.z_scale)
    tallest = max((mask.shape[0] for mask in masks), default=0)
    # The tallest cell is in the middle of the stack, and all others stand as low as it does.
    plane = max(0, (frame_px[0] - tallest) // 2) if rules.plane else None
    search = _Search(occupancy, np.asarray(frame_px), rules, plane, rng)
    offsets = np.zeros((n, dimensions), np.int64)
    placed, clustered = np.zeros(n, bool), np.zeros(n, bool)
    for i, mask in enumerate(masks):
        offset, clustered[i] = search.next_place(Footprint.of(mask, rules.z_scale))
        if offset is not None:
            offsets[i], placed[i] = offset, True
            occupancy.add(offset, mask)
    return Placement(offsets, placed, clustered)


class _Search:
    """The search for one free offset after another; remembers what was placed."""

    def __init__(
        self, occupancy: Occupancy, frame: NDArray[np.int64], rules: Rules, plane: int | None, rng: Generator
    ) -> None:
        self.occupancy, self.frame, self.rules, self.plane, self.rng = occupancy, frame, rules, plane, rng
        self.scale = axis_scale(len(frame), rules.z_scale)
        self.centres: list[Offsets] = []
        self.reaches: list[float] = []

    def next_place(self, footprint: Footprint) -> tuple[Offsets | None, bool]:
        """Find a free offset, or None, and tell whether it is next to a placed cell."""
        low, high = self._bounds(footprint)
        if np.any(low > high):
            return None, False
        offset = None
        # Drawn even while no cell is placed: the order of the draws is part of the data format.
        if self.rng.random() < self.rules.clustering and self.centres:
            offset = self._beside(footprint, low, high)
        clustered = offset is not None
        if offset is None:
            offset = self._anywhere(footprint, low, high)
        if offset is not None:
            self.centres.append(offset + footprint.centre)
            self.reaches.append(footprint.reach)
        return offset, clustered

    def _bounds(self, footprint: Footprint) -> tuple[Offsets, Offsets]:
        """Least and largest offsets that the frame, the region's box and the plane allow."""
        shape = np.array(footprint.mask.shape)
        low, high = np.zeros_like(shape), self.frame - shape
        if self.rules.border_cut:
            low[-2:] = -footprint.centre[-2:]
            high[-2:] = (self.frame - 1 - footprint.centre)[-2:]
        if self.rules.region is not None:
            centre, axes = np.array(self.rules.region.centre_px), np.array(self.rules.region.semi_axes_px)
            # Only the region's box: it spares candidates, while the ellipsoid itself is in the occupancy.
            low = np.maximum(low, np.ceil(centre - axes)).astype(np.int64)
            high = np.minimum(high, np.floor(centre + axes) - shape + 1).astype(np.int64)
        if self.plane is not None:
            low[0], high[0] = self.plane, min(self.plane, high[0])
        return low, high

    def _beside(self, footprint: Footprint, low: Offsets, high: Offsets) -> Offsets | None:
        """Find the first contact by sliding towards random placed cells from random directions."""
        for slides in _SLIDES:
            targets = self.rng.integers(len(self.centres), size=slides)
            directions = self.rng.standard_normal((slides, len(self.frame)))
            if self.plane is not None:
                directions[:, 0] = 0.0
            directions /= np.sqrt((directions**2).sum(axis=1, keepdims=True))
            # Both reaches and the gap apart, two cells cannot overlap in any direction; the one more is for rounding.
            reaches = np.array([self.reaches[t] for t in targets]) + footprint.reach + self.rules.gap_px + 1
            steps = np.arange(reaches.max() + 1)
            starts = np.array([self.centres[t] for t in targets]) - footprint.centre
            paths = np.rint(starts[:, None] + steps[:, None] * (directions / self.scale)[:, None]).astype(np.int64)
            if self.plane is not None:
                paths[..., 0] = self.plane
            # Steps run outwards and indexing keeps their order, so the first that is free is the closest contact.
            within = np.all((paths >= low) & (paths <= high), axis=2) & (steps <= reaches[:, None])
            offset = self._first_free(paths[within], footprint)
            if offset is not None:
                return offset
        return None

    def _anywhere(self, footprint: Footprint, low: Offsets, high: Offsets) -> Offsets | None:
        for _ in range(_ROUNDS):
            candidates = self.rng.integers(low, high + 1, size=(_CANDIDATES, len(low)), dtype=np.int64)
            offset = self._first_free(candidates, footprint)
            if offset is not None:
                return offset
        return None

    def _first_free(self, candidates: Offsets, footprint: Footprint) -> Offsets | None:
        for offset in candidates[self.occupancy.may_fit(candidates, footprint)]:
            if self.occupancy.fits(offset, footprint.mask):
                return np.asarray(offset)
        return None
