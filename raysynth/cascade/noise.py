"""Noise of a cell's slices: Eq. 2 of Yilmaz et al. (ISBI 2025), the mixed prior of PYoCo (Ge 2023)."""

import math

import torch
from numpy.random import Generator
from torch import Tensor

from raysynth.seeds import normal


def slice_noise(rng: Generator, slices: int, rho: float, *shape: int) -> Tensor:
    """Noise `(slices, *shape)` of variance 1 whose slices correlate by rho² / (1 + rho²).

    eps_i = rho / sqrt(1 + rho²) · eps_shared + 1 / sqrt(1 + rho²) · eps_i,ind
    """
    shared = normal(rng, 1, *shape)
    independent = normal(rng, slices, *shape)
    scale = 1 / math.sqrt(1 + rho**2)
    return scale * (rho * shared + independent)


def share_slow_waves(noise: Tensor, periods: float) -> Tensor:
    """`noise` `(slices, c, h, w)` with every slice's slow waves, of up to `periods` a side, replaced by the first's.

    A slice's brightness hangs on these few modes alone. Under Eq. 2 with the rho that suits the fine grain they differ
    from slice to slice, and cells come out striped along z. Mean 0 and variance 1 remain; 0 periods leave Eq. 2 as is.
    """
    if periods <= 0 or len(noise) < 2:
        return noise
    height, width = noise.shape[-2:]
    waves = torch.fft.rfft2(noise)
    y, x = torch.fft.fftfreq(height, 1 / height), torch.fft.rfftfreq(width, 1 / width)
    slow = y[:, None] ** 2 + x**2 <= periods**2
    return torch.fft.irfft2(torch.where(slow, waves[:1], waves), s=(height, width))
