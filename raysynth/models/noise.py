"""Noise of a cell's slices: Eq. 2 of Yilmaz et al. (ISBI 2025), the mixed prior of PYoCo (Ge 2023)."""

import math

from numpy.random import Generator
from torch import Tensor

from raysynth.base.seeds import normal


def slice_noise(rng: Generator, slices: int, rho: float, *shape: int) -> Tensor:
    """Noise `(slices, *shape)` of variance 1 whose slices correlate by rho² / (1 + rho²).

    eps_i = rho / sqrt(1 + rho²) · eps_shared + 1 / sqrt(1 + rho²) · eps_i,ind
    """
    shared = normal(rng, 1, *shape)
    independent = normal(rng, slices, *shape)
    scale = 1 / math.sqrt(1 + rho**2)
    return scale * (rho * shared + independent)
