"""Painting a cell's light into a frame without seams.

Light adds: a frame is its slow background, plus each cell's texture above the cell's own surroundings, plus the halo
that optics spread around each cell (the measured edge profile), plus noise. Across the kept ring a texture gives way to
the halo with weight a = cos, and the frame's noise comes in with sqrt(1 - sum of a^2), so the variance of two
independent noises stays that of one and nothing is added twice. Inside cells a is 1: there is the texture, scaled and
set on the frame's background. Only where its own noise, at that gain, is below what a camera adds is the rest added:
the background's noise, and photon noise whose variance grows with the light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, uniform_filter

from raysynth.base.symmetries import symmetry
from raysynth.population.background import Background, Field, fine_noise
from raysynth.population.cell import Cell
from raysynth.population.occupancy import axis_scale
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.statistics import EdgeProfile

HALO_PX = 16.0  # farthest light of a cell that is followed
HALO_FACTOR = 2.0  # a ring this much darker or brighter than the halo is not the cell's own
HALO_SHIFT = 1.0  # farthest that a cell's halo may lie from the mean one, in pixels


@dataclass(frozen=True)
class Appearance:
    """A cell in grey values above its own surroundings.

    light: the texture. weight: a, 1 inside and 0 past the kept ring. Both are of the mask's box with that ring.
    halo: light expected outside, relative to `contrast`, the mean of the light inside, in the mask's box grown by
    `margin` voxels on every side. noise: standard deviation of the light's noise inside.
    """

    light: Field
    weight: Field
    halo: Field
    contrast: float
    margin: NDArray[np.int64]
    noise: float

    @classmethod
    def of(cls, cell: Cell, intensity: IntensityMap, edge: EdgeProfile, z_scale: float) -> "Appearance":
        """Measure a cell: its surroundings are the texture's pixels farthest from the outline, less the halo there.

        Outlines are drawn the closer around a cell the dimmer it is: each has the halo that goes on from its texture.
        """
        scale = axis_scale(cell.mask.ndim, z_scale)
        margin = np.maximum(np.floor(halo_end(edge) / scale).astype(np.int64), _in_plane(cell.mask.ndim, cell.ring))
        mask = _pad(cell.mask, margin)
        outside = distance_transform_edt(~mask, sampling=scale)
        textured = margin - _in_plane(cell.mask.ndim, cell.ring)
        inner = tuple(slice(m, n - m) for m, n in zip(textured, mask.shape, strict=True))
        distance = distance_in_plane(mask[inner])
        grey = intensity.from_unit(cell.texture)
        level = _surroundings(grey, distance, halo_at(edge, outside)[inner])
        contrast = float(grey[distance == 0].mean()) - level
        halo = halo_at(edge, outside, _halo_shift(edge, grey[distance == 1] - level, contrast))
        phase = np.minimum(distance / (cell.ring + 1), 1) * np.float32(np.pi / 2)
        weight = np.where(distance <= cell.ring, np.cos(phase), 0).astype(np.float32)
        light = _own_light(grey - np.float32(level), np.float32(contrast) * halo[inner], distance, cell.ring)
        light = np.where(weight > 0, light, 0).astype(np.float32)
        noise = fine_noise(light, distance == 0)
        return cls(light, weight, halo, contrast, margin, noise)

    @property
    def inset(self) -> NDArray[np.int64]:
        """How far the textured box lies within the halo's, on every side."""
        return (np.array(self.halo.shape) - self.light.shape) // 2

    def turned(self, variation: int) -> "Appearance":
        """The same under one of the symmetries of the plane."""
        light, weight, halo = (symmetry(field, variation) for field in (self.light, self.weight, self.halo))
        return Appearance(light, weight, halo, self.contrast, self.margin, self.noise)


def halo_end(edge: EdgeProfile) -> float:
    """Distance from the outline at which the halo ends, in-plane pixels."""
    return min(HALO_PX, max(0.0, -min(edge.distance_px)))


def halo_at(edge: EdgeProfile, distance: NDArray[np.float64], shift: float = 0.0) -> Field:
    """Light outside a cell, relative to its contrast; 0 inside and where the halo ends.

    distance: from the nearest voxel of the cell; the profile's own starts half a pixel later, at the outline.
    shift: how much farther out than the mean profile's it lies, in pixels.
    """
    profile = np.interp(0.5 - distance + shift, edge.distance_px, edge.relative)
    end = np.interp(-halo_end(edge), edge.distance_px, edge.relative)
    return np.where((distance > 0) & (distance < halo_end(edge)), np.maximum(profile - end, 0), 0).astype(np.float32)


def _halo_shift(edge: EdgeProfile, next_to: Field, contrast: float) -> float:
    """The shift at which the mean profile has the share of a cell's contrast that the pixels next to it have."""
    if not next_to.size or contrast < 1:
        return 0.0
    rising = np.maximum.accumulate(edge.relative)
    place = float(np.interp(float(np.median(next_to)) / contrast, rising, edge.distance_px))
    return float(np.clip(place + 0.5, -HALO_SHIFT, HALO_SHIFT))


def distance_in_plane(mask: NDArray[np.bool_]) -> Field:
    """Distance in y and x to the mask of the same slice, in pixels; infinite in slices without any."""
    slices = mask.reshape(-1, *mask.shape[-2:])
    apart = [distance_transform_edt(~m) if m.any() else np.full(m.shape, np.inf) for m in slices]
    return np.stack(apart).reshape(mask.shape).astype(np.float32)


def _surroundings(grey: Field, distance: Field, halo: Field) -> float:
    """The level L that explains the farthest quarter of the texture's outside as L + halo (mean inside - L)."""
    outside = np.isfinite(distance) & (distance > 0)
    far = outside & (distance >= np.quantile(distance[outside], 0.75))
    share = float(halo[far].mean())
    return (float(np.median(grey[far])) - share * float(grey[distance == 0].mean())) / (1 - share)


def _own_light(light: Field, halo: Field, distance: Field, ring: int) -> Field:
    """The light with its ring's local mean kept within HALO_FACTOR of the halo's; noise is left as it is.

    Where a neighbour that touched the cell was cut away, or some of it was left, the ring is not the cell's own light.
    """
    outside = np.where((distance > 0) & (distance <= ring), np.float32(1), np.float32(0))
    size = (1,) * (light.ndim - 2) + (3, 3)
    count = np.maximum(uniform_filter(outside, size), 1e-6)
    found, expected = (uniform_filter(field * outside, size) / count for field in (light, halo))
    return light + outside * (np.clip(found, expected / HALO_FACTOR, expected * HALO_FACTOR) - found)


def _in_plane(dimensions: int, pixels: int) -> NDArray[np.int64]:
    return np.array([0, pixels, pixels])[-dimensions:]


def _pad(array: NDArray[Any], margin: NDArray[np.int64]) -> NDArray[Any]:
    return np.pad(array, [(int(m), int(m)) for m in margin])


def photon_noise(looks: Sequence[Appearance]) -> float:
    """Variance that light adds per grey value of it, from cells' own noise: what nine in ten of them exceed.

    Structure counts as noise in `Appearance.noise`, so the quieter cells show the camera.
    """
    lit = [look.noise**2 / look.contrast for look in looks if look.contrast > 0]
    return float(np.quantile(lit, 0.1)) if lit else 0.0


class Painter:
    """Collects the light of a frame's cells; `labels` must be complete before the first cell is painted.

    photons: as `photon_noise` gives it.
    """

    def __init__(self, labels: NDArray[np.uint32], photons: float = 0.0) -> None:
        self.labels, self.photons = labels, photons
        self.light = np.zeros(labels.shape, np.float32)
        self.halo = np.zeros(labels.shape, np.float32)
        self.power = np.zeros(labels.shape, np.float32)
        self.missing = np.zeros(labels.shape, np.float32)  # variance of photon noise less what the cells bring along

    def add(self, cell: Appearance, gain: float, label: int, offset: NDArray[np.int64]) -> None:
        """Add a cell whose mask's box has its corner at `offset`; what lies inside another cell is left out."""
        corner = offset - cell.margin
        here, there = clip_box(corner, cell.halo.shape, self.labels.shape)
        halo = np.where(self.labels[here] == 0, np.float32(cell.contrast) * cell.halo[there], np.float32(0))
        self.halo[here] += np.float32(gain) * halo
        # The texture's box is far smaller than the halo's.
        here, there = clip_box(corner + cell.inset, cell.light.shape, self.labels.shape)
        labels = self.labels[here]
        free = labels == 0
        weight = np.where(free | (labels == label), cell.weight[there], np.float32(0))
        around = tuple(slice(s.start + int(n), s.stop + int(n)) for s, n in zip(there, cell.inset, strict=True))
        halo = np.where(free, np.float32(cell.contrast) * cell.halo[around], np.float32(0))
        self.light[here] += np.float32(gain) * weight * (cell.light[there] - halo)
        squared = weight**2
        self.power[here] += squared
        self.missing[here] += np.float32(self.photons * gain * cell.contrast - (gain * cell.noise) ** 2) * squared

    def frame(self, background: Background) -> Field:
        """The frame in grey values, not yet rounded."""
        unlit = background.slow + self.halo
        frame = unlit + background.noise
        painted = np.flatnonzero(self.power > 0)  # a small part of a volume
        power, missing, light = (field.ravel()[painted] for field in (self.power, self.missing, self.light))
        added = np.maximum(power + missing / np.float32(max(background.fine**2, 1e-6)), 0.0)
        share = np.sqrt(np.maximum(1.0 - power, 0.0) + added)
        lit = unlit.ravel()[painted] + light / np.sqrt(np.maximum(power, 1.0))
        np.put(frame, painted, lit + share * background.noise.ravel()[painted])
        return np.asarray(frame, np.float32)


def clip_box(
    corner: NDArray[np.int64], shape: tuple[int, ...], frame: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a box that lies in a frame: slices of the frame, and of the box; empty ones where none does."""
    start = [min(max(0, int(c)), f) for c, f in zip(corner, frame, strict=True)]
    stop = [max(s, min(f, int(c) + n)) for s, c, n, f in zip(start, corner, shape, frame, strict=True)]
    here = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    there = tuple(slice(a - int(c), b - int(c)) for a, b, c in zip(start, stop, corner, strict=True))
    return here, there
