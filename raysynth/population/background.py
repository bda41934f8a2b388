"""What lies between cells: a level, slow illumination, and noise with the real background's spectrum and marginal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft
from scipy.interpolate import BSpline
from scipy.special import ndtri

from raysynth.population.density import FrameTarget
from raysynth.population.occupancy import axis_scale
from raysynth.preparation.statistics import NoiseModel, Region

Field = NDArray[np.float32]

EDGE = 0.15  # width, in semi-axes, over which the region's background gives way to the one outside

LARGEST = 4.0  # score beyond which the marginal is flat


@dataclass(frozen=True)
class Background:
    """slow: expected grey value at every voxel. noise: what is added to it where there is no cell, mean 0.

    fine: `fine_noise` of the noise where cells lie.
    """

    slow: Field
    noise: Field
    fine: float


def draw_background(
    target: FrameTarget, noise: NoiseModel, halo: Field, clear: NDArray[np.bool_], z_scale: float, rng: Generator
) -> Background:
    """The background of one frame, in grey values.

    halo: the light that its cells spread. The measured background has such light in it already: what the halos explain
    (and a region's edge) explain of its level and slow changes, in voxels `clear` of cells, is not added again.
    """
    record = target.record
    level, spread = record.background, record.noise_std
    inner_level = level if record.region_background is None else record.region_background
    inner_spread = spread if record.region_noise_std is None else record.region_noise_std
    own = record.region_background is not None
    inside = _inside(target.region, halo.shape) if own else np.zeros(halo.shape, np.float32)
    home = (inside == 1) if own else np.ones(halo.shape, bool)
    step = np.float32(inner_level - level - _mean(halo[clear & home])) * (inside if own else np.float32(1.0))
    explained = _spread((halo + step)[clear & (inside < 1)])
    remaining = np.float32(np.sqrt(max(noise.illumination_std**2 - explained**2, 0.0)))
    slow = remaining * illumination_field(halo.shape, noise.illumination_px, z_scale, rng)
    slow += np.float32(level) + step
    residual = noise_field(noise, halo.shape, rng)
    plane = residual.reshape(-1, *halo.shape[-2:])[0]
    fine = inner_spread * fine_noise(plane, np.ones(plane.shape, bool))
    residual *= np.float32(spread) + np.float32(inner_spread - spread) * inside
    return Background(slow, residual, fine)


def fine_noise(light: Field, where: NDArray[np.bool_]) -> float:
    """Standard deviation of what changes from pixel to pixel along x: of white noise, all. 0 where `where` is empty.

    where: the pixels that count, as large as `light`. Fine structure counts as noise too.
    """
    bend = light[..., 2:] - 2 * light[..., 1:-1] + light[..., :-2]
    inner = where[..., 2:] & where[..., 1:-1] & where[..., :-2]
    return float(np.sqrt(np.mean(np.square(bend[inner]), dtype=np.float64) / 6)) if inner.any() else 0.0


def _mean(values: Field) -> float:
    return float(values.mean()) if values.size else 0.0


def _spread(values: Field) -> float:
    return float(values.std()) if values.size else 0.0


def flat_background(target: FrameTarget, frame_px: Sequence[int]) -> Background:
    """No background but its level: for frames that are to have neither noise nor illumination."""
    level = target.record.background
    return Background(np.full(frame_px, level, np.float32), np.zeros(frame_px, np.float32), 0.0)


def illumination_field(shape: Sequence[int], width_px: float, z_scale: float, rng: Generator) -> Field:
    """A smooth random field of mean 0 and variance 1 over the frame.

    Uneven illumination is strongest at the scale of the whole frame: octaves of smooth noise from `width_px` in-plane
    pixels to the frame's side, each twice as strong as the next finer one.
    """
    width, strength = width_px, 1.0
    rows, splines = [], []
    while width < 2 * max(shape[-2:]):
        coefficients, along_x = _smooth_noise(shape, axis_scale(len(shape), z_scale) / width, rng)
        rows.append(np.float32(strength) * coefficients)
        splines.append(along_x)
        width, strength = 2 * width, 2 * strength
    if not rows:
        return np.zeros(shape, np.float32)
    # All octaves meet in one product along x, so the whole frame is written once.
    field = np.concatenate(rows, axis=-1) @ np.concatenate(splines, axis=1).T
    field -= field.mean()
    field /= np.float32(max(float(field.std()), 1e-6))
    return field


def _smooth_noise(shape: Sequence[int], steps: NDArray[np.float64], rng: Generator) -> tuple[Field, Field]:
    """Random cubic splines of unit knots on a grid whose voxels are `steps` apart along each axis: coefficients
    `([z,] y, knots)`, and what they are multiplied with along x, `(x, knots)`.
    """
    splines = [_cubic_splines(n, float(step)) for n, step in zip(shape, steps, strict=True)]
    field = rng.standard_normal([spline.shape[1] for spline in splines], dtype=np.float32)
    for axis, spline in enumerate(splines[:-1]):
        field = np.moveaxis(np.tensordot(spline, field, axes=(1, axis)), 0, axis)
    return field, splines[-1]


def _cubic_splines(count: int, step: float) -> Field:
    """Cubic B-splines on unit knots, at `count` positions `step` apart: one row a position."""
    positions = np.arange(count) * step
    knots = np.arange(-3, int(positions[-1]) + 5)
    return BSpline.design_matrix(positions, knots, 3).toarray().astype(np.float32)


def noise_field(noise: NoiseModel, shape: Sequence[int], rng: Generator) -> Field:
    """Residual noise of variance near 1: each slice has the model's power spectrum, neighbouring slices its
    correlation, and every voxel its marginal distribution (a Gaussian field mapped quantile by quantile).
    """
    padded = tuple(fft.next_fast_len(n + 16, real=True) for n in shape[-2:])
    gain = _spectral_gain(noise, padded)
    kept = noise.slice_correlation if len(shape) == 3 else 0.0
    fresh = np.sqrt(1 - kept**2)
    field = np.empty((shape[0] if len(shape) == 3 else 1, *shape[-2:]), np.float32)
    for z in range(len(field)):
        white = rng.standard_normal(padded, dtype=np.float32)
        new = fft.irfft2(fft.rfft2(white) * gain, s=padded)[: shape[-2], : shape[-1]]
        field[z] = new if z == 0 else kept * field[z - 1] + fresh * new
    return _to_marginal(field.reshape(shape), noise)


def _spectral_gain(noise: NoiseModel, plane: tuple[int, ...]) -> Field:
    """Amplitude over the real FFT's frequencies, mean square 1, no mean value."""
    radius = np.hypot(fft.fftfreq(plane[0])[:, None], fft.rfftfreq(plane[1]))
    power = np.maximum(np.interp(radius, noise.frequency, noise.power), 0.0)
    power[0, 0] = 0.0
    twice = np.full(plane[1] // 2 + 1, 2.0)  # every column but the first (and an even width's last) stands for two
    twice[0] = 1.0
    twice[-1] = 1.0 if plane[1] % 2 == 0 else 2.0
    return np.sqrt(power / ((power * twice).sum() / np.prod(plane))).astype(np.float32)


def _to_marginal(gaussian: Field, noise: NoiseModel) -> Field:
    """Each value at its quantile of the marginal, by a table fine enough that its steps do not show in grey values."""
    scores = np.clip(ndtri(np.linspace(0, 1, len(noise.marginal.values))), -LARGEST, LARGEST)
    grid = np.linspace(-LARGEST, LARGEST, 2**14, dtype=np.float32)
    values = np.interp(grid, scores, noise.marginal.values).astype(np.float32)
    place = gaussian * np.float32((len(grid) - 1) / (2 * LARGEST)) + np.float32((len(grid) - 1) / 2)
    return values[np.rint(np.clip(place, 0, len(grid) - 1, out=place), out=place).astype(np.uint16)]


def _inside(region: Region | None, shape: Sequence[int]) -> Field:
    """Share of the region's own background at each voxel: 1 within, falling smoothly to 0 outside."""
    if region is None:
        return np.ones(shape, np.float32)
    squares = [
        (((np.arange(n) - c) / a) ** 2).astype(np.float32)
        for n, c, a in zip(shape, region.centre_px, region.semi_axes_px, strict=True)
    ]
    radius = np.sqrt(sum(np.ix_(*squares)))
    t = np.clip((1.0 + EDGE - radius) / EDGE, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
