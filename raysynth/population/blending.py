"""Painting a cell's light into a frame without seams.

Light adds: a frame is its slow background, plus each cell's texture above the cell's own surroundings, plus noise.
Across the kept ring a texture fades out with weight a = cos and the frame's noise fades in with sqrt(1 - sum of a^2),
so the variance of two independent noises stays that of one, and nothing is added twice. Inside cells a is 1: there is
the texture, scaled and set on the frame's background, and nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from raysynth.data.intensity import IntensityMap
from raysynth.population.background import Background, Field
from raysynth.population.cell import Cell


@dataclass(frozen=True)
class Appearance:
    """A cell in grey values, in its texture's box.

    light: grey values above `level`, the cell's own surroundings. weight: 1 inside, falling to 0 past the kept ring.
    """

    light: Field
    weight: Field
    level: float

    @classmethod
    def of(cls, cell: Cell, intensity: IntensityMap) -> "Appearance":
        """Measure a cell: its surroundings are the texture's pixels farthest from the outline, slice by slice."""
        mask = pad_plane(cell.mask, cell.ring)
        distance = distance_in_plane(mask)
        grey = intensity.from_unit(cell.texture)
        outside = np.isfinite(distance) & (distance > 0)
        far = outside & (distance >= np.quantile(distance[outside], 0.75))
        level = float(np.median(grey[far]))
        phase = np.clip(distance / (cell.ring + 1), 0, 1) * (np.pi / 2)
        weight = np.where(phase < np.pi / 2, np.cos(phase), 0).astype(np.float32)
        return cls(np.where(weight > 0, grey - np.float32(level), 0).astype(np.float32), weight, level)

    @property
    def contrast(self) -> float:
        """Mean grey value of the cell above its surroundings."""
        return float(self.light[self.weight == 1].mean())


def pad_plane(mask: NDArray[np.bool_], ring: int) -> NDArray[np.bool_]:
    """The mask with `ring` empty pixels on every side of y and x."""
    return np.pad(mask, [(0, 0)] * (mask.ndim - 2) + [(ring, ring)] * 2)


def distance_in_plane(mask: NDArray[np.bool_]) -> Field:
    """Distance in y and x to the mask of the same slice, in pixels; infinite in slices without any."""
    apart = [
        distance_transform_edt(~m) if m.any() else np.full(m.shape, np.inf) for m in mask.reshape(-1, *mask.shape[-2:])
    ]
    return np.stack(apart).reshape(mask.shape).astype(np.float32)


class Painter:
    """Collects the light of a frame's cells; `labels` must be complete before the first cell is painted."""

    def __init__(self, labels: NDArray[np.uint32]) -> None:
        self.labels = labels
        self.light = np.zeros(labels.shape, np.float32)
        self.power = np.zeros(labels.shape, np.float32)

    def add(self, appearance: Appearance, gain: float, label: int, offset: NDArray[np.int64], ring: int) -> None:
        """Add a cell whose mask's box has its corner at `offset`; what lies inside another cell is left out."""
        grown = offset.copy()
        grown[-2:] -= ring
        here, there = clip_box(grown, appearance.light.shape, self.labels.shape)
        labels = self.labels[here]
        weight = np.where((labels == 0) | (labels == label), appearance.weight[there], np.float32(0))
        self.light[here] += weight * np.float32(gain) * appearance.light[there]
        self.power[here] += weight**2

    def frame(self, background: Background) -> Field:
        """The frame in grey values, not yet rounded."""
        total = np.sqrt(np.maximum(self.power, 1.0))
        noise = np.sqrt(np.maximum(1.0 - self.power, 0.0)) * background.noise
        return np.asarray(background.slow + self.light / total + noise, np.float32)


def clip_box(
    corner: NDArray[np.int64], shape: tuple[int, ...], frame: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a box that lies in a frame: slices of the frame, and of the box."""
    start = [max(0, int(c)) for c in corner]
    stop = [min(f, int(c) + n) for c, n, f in zip(corner, shape, frame, strict=True)]
    here = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    there = tuple(slice(a - int(c), b - int(c)) for a, b, c in zip(start, stop, corner, strict=True))
    return here, there
