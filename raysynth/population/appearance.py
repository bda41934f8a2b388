"""What a cell looks like, apart from the frame it comes to lie in: its light, its halo and its noise.

A crop shows a cell above its own surroundings. Their level is found and taken off, so that the same light can be added
to any background.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, uniform_filter

from raysynth.base.arrays import Doubles, Floats, Mask
from raysynth.base.symmetries import symmetry
from raysynth.population.background import fine_noise
from raysynth.population.cell import Cell
from raysynth.population.occupancy import axis_scale
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.statistics import EdgeProfile

# More than the 10 pixels that `prepare` measures: a bound for other profiles, since boxes grow by it on every side.
_FARTHEST_PX = 16.0
"""Farthest light of a cell that is followed, in-plane pixels from its outline."""

_RING_FACTOR = 2.0
"""A ring that is darker or brighter than the halo by more than this factor is not the cell's own."""

_SHIFT_PX = 1.0
"""Farthest that a cell's halo may lie from the mean one."""


@dataclass(frozen=True)
class Appearance:
    """A cell in grey values above its own surroundings.

    Attributes
    ----------
    light
        The texture, in the mask's box grown by the kept ring.
    weight
        a of the texture in that box: 1 inside, falling to 0 past the ring.
    halo
        Light expected outside relative to `contrast`, in the mask's box grown by `margin` voxels on every side.
    contrast
        Mean of the light inside.
    margin
        Voxels along each axis by which the halo's box is larger.
    noise
        Standard deviation of the light's noise inside.
    """

    light: Floats
    weight: Floats
    halo: Floats
    contrast: float
    margin: NDArray[np.int64]
    noise: float

    @classmethod
    def of(cls, cell: Cell, intensity: IntensityMap, edge: EdgeProfile, z_scale: float) -> "Appearance":
        """Measure a cell.

        Parameters
        ----------
        cell
            The cell.
        intensity
            From the texture's unit interval to grey values.
        edge
            Mean profile across the outlines of the real cells.
        z_scale
            One step in z over one in the plane.

        Returns
        -------
        Appearance
            Light, halo and noise of the cell.

        Notes
        -----
        The surroundings are the texture's pixels farthest from the outline, less the halo there. The texture enters
        with the weight a = cos(pi / 2 * d / (ring + 1)) at a distance of d pixels, so that a² and 1 - a², by which the
        noise of cell and frame are mixed, add up to 1.

        Outlines are drawn the closer around a cell the dimmer it is: each has the halo that continues its texture.
        """
        scale = axis_scale(cell.mask.ndim, z_scale)
        margin = np.maximum(np.floor(halo_end(edge) / scale).astype(np.int64), _in_plane(cell.mask.ndim, cell.ring))
        mask = _pad(cell.mask, margin)
        outside = distance_transform_edt(~mask, sampling=scale)
        textured = margin - _in_plane(cell.mask.ndim, cell.ring)
        inner = tuple(slice(m, n - m) for m, n in zip(textured, mask.shape, strict=True))
        # Within planes: the texture's ring lies in y and x only, so a slice shows nothing of cells above or below.
        distance = distance_in_plane(mask[inner])
        grey = intensity.from_unit(cell.texture)
        # Level and shift depend on each other. The level is found with the mean halo, and the shift against that level.
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
        """Give the same cell under one of the symmetries of the plane.

        Parameters
        ----------
        variation
            0 to 7, as `base.symmetries.symmetry` numbers them.

        Returns
        -------
        Appearance
            The turned one; its arrays are views.
        """
        light, weight, halo = (symmetry(field, variation) for field in (self.light, self.weight, self.halo))
        return Appearance(light, weight, halo, self.contrast, self.margin, self.noise)


def photon_noise(appearances: Sequence[Appearance]) -> float:
    """Estimate the variance that light adds per grey value of it.

    Structure counts as noise in `Appearance.noise`, so the quieter cells show the camera.

    Parameters
    ----------
    appearances
        Cells of a shard.

    Returns
    -------
    float
        Variance over contrast that nine in ten cells exceed; 0 where no cell has any light.
    """
    # Cells darker than their surroundings have no light whose photons could be counted.
    lit = [one.noise**2 / one.contrast for one in appearances if one.contrast > 0]
    return float(np.quantile(lit, 0.1)) if lit else 0.0


def halo_end(edge: EdgeProfile) -> float:
    """Tell where the halo ends.

    Parameters
    ----------
    edge
        Mean profile across the outlines.

    Returns
    -------
    float
        Distance from the outline, in-plane pixels.
    """
    return min(_FARTHEST_PX, max(0.0, -min(edge.distance_px)))


def halo_at(edge: EdgeProfile, distance: Doubles, shift: float = 0.0) -> Floats:
    """Read the halo off the mean profile.

    Parameters
    ----------
    edge
        Mean profile across the outlines.
    distance
        From the nearest voxel of the cell, in-plane pixels, any shape. The profile's own distance starts half a pixel
        later, at the outline.
    shift
        How much farther out than the mean profile the halo lies, in pixels.

    Returns
    -------
    Floats
        Light relative to the cell's contrast; 0 inside and where the halo ends.
    """
    # Less its value at the end, so that the halo reaches 0 there without a step.
    profile = np.interp(0.5 - distance + shift, edge.distance_px, edge.relative)
    end = np.interp(-halo_end(edge), edge.distance_px, edge.relative)
    return np.where((distance > 0) & (distance < halo_end(edge)), np.maximum(profile - end, 0), 0).astype(np.float32)


def _halo_shift(edge: EdgeProfile, next_to: Floats, contrast: float) -> float:
    """Find the shift at which the mean profile has that part of a cell's contrast which the pixels next to it have."""
    # Below one grey value the ratio would be one of noise to noise.
    if not next_to.size or contrast < 1:
        return 0.0
    # `np.interp` needs values that never fall, and a measured profile may dip.
    rising = np.maximum.accumulate(edge.relative)
    position = float(np.interp(float(np.median(next_to)) / contrast, rising, edge.distance_px))
    return float(np.clip(position + 0.5, -_SHIFT_PX, _SHIFT_PX))


def distance_in_plane(mask: Mask) -> Floats:
    """Measure the distance in y and x to the mask of the same slice.

    Parameters
    ----------
    mask
        `([z,] y, x)`.

    Returns
    -------
    Floats
        Pixels, of the mask's shape; 0 inside, infinite in slices without any mask.
    """
    slices = mask.reshape(-1, *mask.shape[-2:])
    # scipy's transform has no meaning without any voxel to measure to.
    apart = [distance_transform_edt(~m) if m.any() else np.full(m.shape, np.inf) for m in slices]
    return np.stack(apart).reshape(mask.shape).astype(np.float32)


def _surroundings(grey: Floats, distance: Floats, halo: Floats) -> float:
    """Find the level L that explains the farthest quarter of the texture's outside as L + h (mean inside - L).

    h is the mean halo there. Solved for L: L = (median outside - h mean inside) / (1 - h).
    """
    outside = np.isfinite(distance) & (distance > 0)
    far = outside & (distance >= np.quantile(distance[outside], 0.75))
    part = float(halo[far].mean())
    return (float(np.median(grey[far])) - part * float(grey[distance == 0].mean())) / (1 - part)


def _own_light(light: Floats, halo: Floats, distance: Floats, ring: int) -> Floats:
    """Keep the local mean of a light's ring within `_RING_FACTOR` of the halo's; noise is left as it is.

    Where a neighbour that touched the cell was cut away, or some of it was left, the ring is not the cell's own light.
    """
    outside = np.where((distance > 0) & (distance <= ring), np.float32(1), np.float32(0))
    size = (1,) * (light.ndim - 2) + (3, 3)
    # Over the ring's own pixels alone: the light inside would outweigh that of the ring in every window.
    count = np.maximum(uniform_filter(outside, size), 1e-6)
    found, expected = (uniform_filter(field * outside, size) / count for field in (light, halo))
    return light + outside * (np.clip(found, expected / _RING_FACTOR, expected * _RING_FACTOR) - found)


def _in_plane(dimensions: int, pixels: int) -> NDArray[np.int64]:
    return np.array([0, pixels, pixels])[-dimensions:]


def _pad(array: NDArray[Any], margin: NDArray[np.int64]) -> NDArray[Any]:
    return np.pad(array, [(int(m), int(m)) for m in margin])
