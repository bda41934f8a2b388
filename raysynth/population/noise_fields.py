"""Random fields of a background: slow illumination, and noise with the real spectrum and marginal."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from scipy import fft
from scipy.interpolate import BSpline
from scipy.special import ndtri

from raysynth.base.arrays import Doubles, Floats
from raysynth.population.occupancy import axis_scale
from raysynth.preparation.statistics import NoiseModel

_LARGEST = 4.0
"""Normal score beyond which the marginal is flat."""


def illumination_field(shape: Sequence[int], width_px: float, z_scale: float, rng: Generator) -> Floats:
    """Draw a smooth random field of mean 0 and variance 1 over the frame.

    Uneven illumination is strongest at the scale of the whole frame: octaves of smooth noise from `width_px` in-plane
    pixels to the frame's side, each twice as strong as the next finer one.

    Parameters
    ----------
    shape
        Shape of the frame.
    width_px
        Width of the finest octave, in-plane pixels.
    z_scale
        One step in z over one in the plane.
    rng
        Generator of this frame's image.

    Returns
    -------
    Floats
        `([z,] y, x)`; zeros in a frame that is smaller than half of the width.
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
    # By its own deviation: few waves fit in a frame, so the expected one would miss the measured spread by far.
    field /= np.float32(max(float(field.std()), 1e-6))
    return field


def _smooth_noise(shape: Sequence[int], steps: Doubles, rng: Generator) -> tuple[Floats, Floats]:
    """Random cubic splines of unit knots on a grid whose voxels are `steps` apart along each axis.

    Gives coefficients `([z,] y, knots)`, and what they are multiplied with along x, `(x, knots)`.
    """
    splines = [_cubic_splines(n, float(step)) for n, step in zip(shape, steps, strict=True)]
    field = rng.standard_normal([spline.shape[1] for spline in splines], dtype=np.float32)
    for axis, spline in enumerate(splines[:-1]):
        field = np.moveaxis(np.tensordot(spline, field, axes=(1, axis)), 0, axis)
    return field, splines[-1]


def _cubic_splines(count: int, step: float) -> Floats:
    """Cubic B-splines on unit knots, at `count` positions `step` apart: one row per position."""
    positions = np.arange(count) * step
    # A cubic spline needs three knots before the first position and four after the last.
    knots = np.arange(-3, int(positions[-1]) + 5)
    return BSpline.design_matrix(positions, knots, 3).toarray().astype(np.float32)


def noise_field(noise: NoiseModel, shape: Sequence[int], rng: Generator) -> Floats:
    """Draw residual noise of variance near 1.

    Parameters
    ----------
    noise
        What was measured of the real background.
    shape
        Shape of the frame.
    rng
        Generator of this frame's image.

    Returns
    -------
    Floats
        `([z,] y, x)`. Each slice has the model's power spectrum, neighbouring slices its correlation, and every voxel
        its marginal distribution.

    Notes
    -----
    White noise is filtered in each plane by the root of the power spectrum. Slices are an autoregressive sequence,
    n_z = c n_z-1 + sqrt(1 - c²) new, which keeps the variance and correlates neighbours by c. Last, the Gaussian field
    is mapped to the marginal, quantile by quantile.
    """
    # Fourier noise is periodic: without the 16 pixels that are cut off, opposite borders would match.
    padded = tuple(fft.next_fast_len(n + 16, real=True) for n in shape[-2:])
    gain = _spectral_gain(noise, padded)
    kept = noise.slice_correlation if len(shape) == 3 else 0.0
    fresh = np.sqrt(1 - kept**2)
    field = np.empty((shape[0] if len(shape) == 3 else 1, *shape[-2:]), np.float32)
    for z in range(len(field)):
        white = rng.standard_normal(padded, dtype=np.float32)
        # With `s`, since an odd width cannot be told from half a spectrum.
        new = fft.irfft2(fft.rfft2(white) * gain, s=padded)[: shape[-2], : shape[-1]]
        field[z] = new if z == 0 else kept * field[z - 1] + fresh * new
    return _to_marginal(field.reshape(shape), noise)


def _spectral_gain(noise: NoiseModel, plane: tuple[int, ...]) -> Floats:
    """Amplitude over the real FFT's frequencies, mean square 1, no mean value."""
    radius = np.hypot(fft.fftfreq(plane[0])[:, None], fft.rfftfreq(plane[1]))
    power = np.maximum(np.interp(radius, noise.frequency, noise.power), 0.0)
    # The level of a frame is set elsewhere; noise with a mean would shift each slice of its own accord.
    power[0, 0] = 0.0
    twice = np.full(plane[1] // 2 + 1, 2.0)  # every column but the first (and an even width's last) stands for two
    twice[0] = 1.0
    twice[-1] = 1.0 if plane[1] % 2 == 0 else 2.0
    return np.sqrt(power / ((power * twice).sum() / np.prod(plane))).astype(np.float32)


def _to_marginal(gaussian: Floats, noise: NoiseModel) -> Floats:
    """Each value at its quantile of the marginal, by a table fine enough that its steps do not show in grey values."""
    # Levels 0 and 1 have infinite scores, between which nothing could be interpolated.
    scores = np.clip(ndtri(np.linspace(0, 1, len(noise.marginal.values))), -_LARGEST, _LARGEST)
    grid = np.linspace(-_LARGEST, _LARGEST, 2**14, dtype=np.float32)
    values = np.interp(grid, scores, noise.marginal.values).astype(np.float32)
    index = gaussian * np.float32((len(grid) - 1) / (2 * _LARGEST)) + np.float32((len(grid) - 1) / 2)
    # In place, and with indices of 16 bits for 2^14 entries: volumes are large and this is their last copy.
    return values[np.rint(np.clip(index, 0, len(grid) - 1, out=index), out=index).astype(np.uint16)]
