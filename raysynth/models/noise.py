"""Noise of the slices of one cell, correlated so that its texture continues from slice to slice."""

import math

from numpy.random import Generator
from torch import Tensor

from raysynth.base.seeds import normal


def slice_noise(rng: Generator, slices: int, rho: float, *shape: int) -> Tensor:
    """Draw the noise of a cell's slices, correlated by Eq. 2 of Yilmaz et al. (ISBI 2025).

    Parameters
    ----------
    rng
        Generator of this cell and stage.
    slices
        Number of slices.
    rho
        Weight of the part that all slices share; any two of them correlate by rho² / (1 + rho²).
    *shape
        Channels, height and width of one slice's noise.

    Returns
    -------
    Tensor
        Standard normal noise `(slices, *shape)`, float32, on the CPU.

    Notes
    -----
    Eq. 2, the mixed prior of PYoCo (Ge 2023):

        ε_i = rho / √(1 + rho²) · ε_shared + 1 / √(1 + rho²) · ε_i,ind

    The squares of the two weights add up to 1, so every slice alone is standard normal.
    """
    # The shared part comes first, so that it does not depend on the number of slices.
    shared = normal(rng, 1, *shape)
    independent = normal(rng, slices, *shape)
    scale = 1 / math.sqrt(1 + rho**2)
    return scale * (rho * shared + independent)
