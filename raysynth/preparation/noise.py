"""The noise model of a population: what is left of real backgrounds when their slow level is taken off.

Spectrum. The residual r of a plane has the power |F r|² at each frequency, F being the discrete Fourier transform. The
noise is taken to be isotropic: only the mean over each ring of equal frequency is kept. It is divided by the mean over
all frequencies, which is the variance (Parseval). So white noise has 1 everywhere. Generation colours white noise with
the root of this power.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Doubles, Floats, Mask
from raysynth.preparation.background import FrameBackground
from raysynth.preparation.quantiles import Quantiles
from raysynth.preparation.statistics import NoiseModel

# Rings 0.03 cycles per pixel wide: narrow enough for the fall of a blurred spectrum, wide enough to average in small
# frames.
_BINS = 24
_EDGES = np.linspace(0, np.sqrt(0.5), _BINS + 1)
"""From 0 to the frequency of a chequerboard, (1/2, 1/2) cycles per pixel."""

_SLICES = 4
"""Slices per volume whose spectrum is measured."""

_SAMPLE = 20_000
"""Pixels per frame that the distribution is measured on."""

_TAIL = 1.6449
"""Standard deviations of a normal distribution from its median to where a twentieth is left."""


@dataclass(frozen=True)
class NoiseMeasures:
    """What one frame contributes to the noise model.

    Attributes
    ----------
    power
        Power in rings of frequency, mean 1.
    slice_correlation
        Correlation of the residuals of neighbouring slices; 0 for one slice.
    sample
        Some of its measured residuals.
    illumination_std
        Spread of its slow level, in grey values.
    """

    power: Doubles
    slice_correlation: float
    sample: Floats
    illumination_std: float


def measure_noise(background: FrameBackground, outside: Mask) -> NoiseMeasures:
    """Measure the noise of one frame.

    Parameters
    ----------
    background
        The frame's background.
    outside
        Where the slow field is measured `(z, y, x)`: not in cells, nor in the frame's region of support.

    Returns
    -------
    NoiseMeasures
        The frame's contribution.
    """
    residual, mask = background.residual, background.mask
    every = max(1, len(residual) // _SLICES)
    power = np.mean([radial_power(plane) for plane in residual[::every]], axis=0)
    both = mask[1:] & mask[:-1]
    # The residual has the mean 0 and the variance 1, so the mean product is the correlation itself.
    correlation = float((residual[1:] * residual[:-1])[both].mean()) if both.any() else 0.0
    measured = residual[mask] if mask.any() else residual.ravel()
    level = background.level[outside] if outside.any() else background.level
    return NoiseMeasures(power, correlation, measured[:: max(1, measured.size // _SAMPLE)], narrow_spread(level))


def narrow_spread(values: NDArray[np.floating[Any]]) -> float:
    """Give the standard deviation of a normal distribution as narrow as the narrower half of the values.

    What lies to one side only is no illumination of the whole frame, and drawn as if it were, it would spread all over
    it: a dark corner (HeLa), or an embryo's glow past its region (BBBC050: 5.5 grey values in place of 1.6).

    Parameters
    ----------
    values
        Values of any shape.

    Returns
    -------
    float
        The distance from the median to the 5th or the 95th percentile, the nearer one, over that of a standard normal.
    """
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float(min(middle - low, high - middle)) / _TAIL


def radial_power(plane: Floats) -> Doubles:
    """Average the power spectrum of a plane over rings of equal frequency.

    Parameters
    ----------
    plane
        Residual `(y, x)`.

    Returns
    -------
    Doubles
        Power in 24 rings from 0 to √½ cycles per pixel, scaled to a mean of 1 over all frequencies.
    """
    power = np.abs(np.fft.fft2(plane - plane.mean())) ** 2
    rings = _rings(plane.shape)
    sums = np.bincount(rings, power.ravel(), minlength=_BINS)
    counts = np.bincount(rings, minlength=_BINS)
    # In small planes some rings hold no frequency. White noise is the guess that adds no structure.
    mean = np.divide(sums, counts, out=np.full(_BINS, power.mean()), where=counts > 0)
    return np.asarray(mean / max(float(power.mean()), 1e-12))


def _rings(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Find the ring of every frequency, in the order of a raveled transform."""
    y, x = (np.fft.fftfreq(n) for n in shape)
    # The chequerboard's frequency is the last edge itself, which `digitize` puts past the last ring.
    return np.clip(np.digitize(np.hypot(y[:, None], x).ravel(), _EDGES) - 1, 0, _BINS - 1)


def noise_model(frames: Sequence[NoiseMeasures], illumination_px: float) -> NoiseModel:
    """Average the noise over frames; the illumination field's amplitude is that of the usual frame.

    Parameters
    ----------
    frames
        What each frame contributes.
    illumination_px
        Gaussian width that separates the slow field from the residual.

    Returns
    -------
    NoiseModel
        The model of the population.
    """
    sample = np.concatenate([f.sample for f in frames])
    return NoiseModel(
        frequency=tuple(((_EDGES[1:] + _EDGES[:-1]) / 2).tolist()),
        power=tuple(np.mean([f.power for f in frames], axis=0).tolist()),
        slice_correlation=float(np.mean([f.slice_correlation for f in frames])),
        # Finer than other distributions: camera noise has long tails, and between quantiles it is drawn as a straight
        # line.
        marginal=Quantiles.of((sample - sample.mean()) / max(float(sample.std()), 1e-12), count=257),
        # A median, so that one frame with a stain or a bright edge does not light all frames unevenly.
        illumination_std=float(np.median([f.illumination_std for f in frames])),
        illumination_px=illumination_px,
    )
