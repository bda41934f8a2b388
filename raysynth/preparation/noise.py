"""The residual background of frames, summed up as a noise model (DESIGN, Imaging model)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysynth.preparation.background import Background
from raysynth.preparation.statistics import NoiseModel, Quantiles

BINS = 24
_EDGES = np.linspace(0, np.sqrt(0.5), BINS + 1)
_SLICES = 4
_SAMPLE = 20_000
_TAIL = 1.6449  # of a normal distribution: from its median to where a twentieth is left


@dataclass(frozen=True)
class NoiseMeasures:
    """One frame's share of the noise model."""

    power: NDArray[np.float64]
    slice_correlation: float
    sample: NDArray[np.float32]
    illumination_std: float


def measure_noise(background: Background, outside: NDArray[np.bool_]) -> NoiseMeasures:
    """outside: `(z, y, x)`, the background of the slow field: not in cells, nor in the frame's region of support."""
    residual, mask = background.residual, background.mask
    every = max(1, len(residual) // _SLICES)
    power = np.mean([radial_power(plane) for plane in residual[::every]], axis=0)
    both = mask[1:] & mask[:-1]
    correlation = float((residual[1:] * residual[:-1])[both].mean()) if both.any() else 0.0
    measured = residual[mask] if mask.any() else residual.ravel()
    level = background.level[outside] if outside.any() else background.level
    return NoiseMeasures(power, correlation, measured[:: max(1, measured.size // _SAMPLE)], narrow_spread(level))


def narrow_spread(values: NDArray[np.floating]) -> float:
    """Standard deviation of the normal distribution whose middle nine tenths are twice their narrower half.

    What lies to one side only is no illumination of the whole frame, and drawn as if it were, it would spread all over
    it: a dark corner (HeLa), an embryo's glow past its region (BBBC050: 5.5 grey values in place of 1.6).
    """
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float(min(middle - low, high - middle)) / _TAIL


def radial_power(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power of a plane `(y, x)` in rings of spatial frequency, scaled to a mean of 1 over all frequencies."""
    power = np.abs(np.fft.fft2(plane - plane.mean())) ** 2
    rings = _rings(plane.shape)
    sums = np.bincount(rings, power.ravel(), minlength=BINS)
    counts = np.bincount(rings, minlength=BINS)
    mean = np.divide(sums, counts, out=np.full(BINS, power.mean()), where=counts > 0)
    return np.asarray(mean / max(float(power.mean()), 1e-12))


def _rings(shape: tuple[int, ...]) -> NDArray[np.intp]:
    y, x = (np.fft.fftfreq(n) for n in shape)
    return np.clip(np.digitize(np.hypot(y[:, None], x).ravel(), _EDGES) - 1, 0, BINS - 1)


def noise_model(frames: Sequence[NoiseMeasures], illumination_px: float) -> NoiseModel:
    """The mean over frames; the illumination field's amplitude is that of the usual frame."""
    sample = np.concatenate([f.sample for f in frames])
    return NoiseModel(
        frequency=tuple(((_EDGES[1:] + _EDGES[:-1]) / 2).tolist()),
        power=tuple(np.mean([f.power for f in frames], axis=0).tolist()),
        slice_correlation=float(np.mean([f.slice_correlation for f in frames])),
        marginal=Quantiles.of((sample - sample.mean()) / max(float(sample.std()), 1e-12), count=257),
        illumination_std=float(np.median([f.illumination_std for f in frames])),
        illumination_px=illumination_px,
    )
