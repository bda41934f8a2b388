"""What lies between cells: a level, slow illumination, and noise with the real background's spectrum and marginal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from raysynth.base.arrays import Floats, Mask
from raysynth.population.density import FrameTarget
from raysynth.population.noise_fields import illumination_field, noise_field
from raysynth.preparation.statistics import NoiseModel, Region

_EDGE = 0.15
"""Width, in semi-axes, over which the region's background gives way to the one outside."""


@dataclass(frozen=True)
class Background:
    """The background of one frame, in grey values.

    Attributes
    ----------
    slow
        Expected value at every voxel.
    noise
        What is added to it where there is no cell; its mean is 0.
    fine
        `fine_noise` of the noise where cells lie.
    """

    slow: Floats
    noise: Floats
    fine: float


def draw_background(
    target: FrameTarget, noise: NoiseModel, halo: Floats, clear: Mask, z_scale: float, rng: Generator
) -> Background:
    """Draw the background of one frame.

    Parameters
    ----------
    target
        What the frame is to look like.
    noise
        Measured noise and illumination.
    halo
        The light that the frame's cells spread, `([z,] y, x)`.
    clear
        Voxels far from cells, of the same shape.
    z_scale
        One step in z over one in the plane.
    rng
        Generator of this frame's image.

    Returns
    -------
    Background
        In grey values.

    Notes
    -----
    The measured background has the light of cells in it already. What the halos (and a region's edge) explain of its
    level and of its slow changes, in voxels clear of cells, is not added again: the mean of the halo is taken off the
    level, and its variance off that of the illumination.
    """
    record = target.record
    level, spread = record.background, record.noise_std
    inner_level = level if record.region_background is None else record.region_background
    inner_spread = spread if record.region_noise_std is None else record.region_noise_std
    # A record may have a region without a background of its own; then one level holds for the whole frame.
    own = record.region_background is not None
    inside = _inside(target.region, halo.shape) if own else np.zeros(halo.shape, np.float32)
    home = (inside == 1) if own else np.ones(halo.shape, bool)
    # Where there is a region, the measured level outside holds no cells' light, so only the inner one is corrected.
    step = np.float32(inner_level - level - _mean(halo[clear & home])) * (inside if own else np.float32(1.0))
    explained = _spread((halo + step)[clear & (inside < 1)])
    # Variances of independent fields add up. More than was measured may be explained already, hence the 0.
    remaining = np.float32(np.sqrt(max(noise.illumination_std**2 - explained**2, 0.0)))
    # Illumination before noise: the order of the draws is part of the data format.
    slow = remaining * illumination_field(halo.shape, noise.illumination_px, z_scale, rng)
    slow += np.float32(level) + step
    residual = noise_field(noise, halo.shape, rng)
    # All slices have one spectrum, so the first speaks for the rest; measured before it is scaled in place.
    plane = residual.reshape(-1, *halo.shape[-2:])[0]
    fine = inner_spread * fine_noise(plane, np.ones(plane.shape, bool))
    residual *= np.float32(spread) + np.float32(inner_spread - spread) * inside
    return Background(slow, residual, fine)


def fine_noise(light: Floats, where: Mask) -> float:
    """Measure what changes from pixel to pixel along x. Fine structure counts as noise too.

    Parameters
    ----------
    light
        Any field, `(..., x)`.
    where
        The pixels that count, of the same shape.

    Returns
    -------
    float
        Standard deviation of white noise that would change as much; 0 where no pixels count.

    Notes
    -----
    The second difference n_x-1 - 2 n_x + n_x+1 is blind to slopes. Of white noise of variance s² it has the variance
    (1 + 4 + 1) s².
    """
    bend = light[..., 2:] - 2 * light[..., 1:-1] + light[..., :-2]
    inner = where[..., 2:] & where[..., 1:-1] & where[..., :-2]
    return float(np.sqrt(np.mean(np.square(bend[inner]), dtype=np.float64) / 6)) if inner.any() else 0.0


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else 0.0


def _spread(values: Floats) -> float:
    return float(values.std()) if values.size else 0.0


def flat_background(target: FrameTarget, frame_px: Sequence[int]) -> Background:
    """Give no background but its level: for frames that are to have neither noise nor illumination.

    Parameters
    ----------
    target
        What the frame is to look like: its level.
    frame_px
        Shape of the frame.

    Returns
    -------
    Background
        In grey values.
    """
    level = target.record.background
    return Background(np.full(frame_px, level, np.float32), np.zeros(frame_px, np.float32), 0.0)


def _inside(region: Region | None, shape: Sequence[int]) -> Floats:
    """Weight of the region's own background at each voxel: 1 within, falling smoothly to 0 outside."""
    if region is None:
        return np.ones(shape, np.float32)
    squares = [
        (((np.arange(n) - c) / a) ** 2).astype(np.float32)
        for n, c, a in zip(shape, region.centre_px, region.semi_axes_px, strict=True)
    ]
    radius = np.sqrt(sum(np.ix_(*squares)))
    # 3 t² - 2 t³ has the slope 0 at both ends, so neither shows as a line in the frame.
    t = np.clip((1.0 + _EDGE - radius) / _EDGE, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
