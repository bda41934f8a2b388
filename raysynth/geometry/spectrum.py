"""The harmonic spectrum of a population of shapes: measured on real cells, drawn from for synthetic ones.

A shape is the log radius of a star-shaped surface, expanded in real harmonics:

    log r(d) = sum_lm c_lm Y_lm(d)

It is taken in the cube in which the cascade frames a cell, height and width scaled to the same length. What turning
about z leaves of mean and covariance is said in `moments`. Cells differ in how far they are from round, and in how
rough they are, much more than a normal distribution says. So each draws its own two scales, for the degrees up to
`FORM` and for those above, from the pairs measured.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, Field

from raysynth.base.arrays import Doubles
from raysynth.base.sampling import evenly_spaced
from raysynth.config import ShapesConfig
from raysynth.geometry.harmonics import index, real_harmonics
from raysynth.geometry.moments import FORM, TAIL, columns_of, is_form, limit_scales, measure_moments, measure_scales

_PAIRS = 400
"""Pairs of scales that a spectrum keeps at most."""

# The first covariance is swollen by the outliers that it serves to find; the second is measured without them.
_ROUNDS = 2


class Spectrum(BaseModel):
    """Mean and covariance of log-radius coefficients, and the scales of the cells."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_degree: int
    mean: tuple[float, ...] = Field(description="of order 0, degrees 1 to max_degree")
    covariances: tuple[tuple[tuple[float, ...], ...], ...] = Field(
        description="for each order from 0, over the degrees from max(order, 1) to max_degree"
    )
    scales: tuple[tuple[float, float], ...] = Field(description="form and roughness of each cell, mean squares 1")
    outlines_only: bool = Field(
        False, description="measured on outlines, which do not tell merged cells from rough ones"
    )

    @classmethod
    def of(cls, coefficients: Doubles) -> "Spectrum":
        """Measure the spectrum of whole cells.

        Parameters
        ----------
        coefficients
            Coefficients of log radius `(cells, (max_degree + 1)²)`.

        Returns
        -------
        Spectrum
            Measured twice, the second time with cells far outside drawn in.
        """
        max_degree = math.isqrt(coefficients.shape[1]) - 1
        for _ in range(_ROUNDS):
            mean, covariances = measure_moments(coefficients)
            scales = measure_scales(coefficients, mean, covariances)
            coefficients = limit_scales(coefficients, mean, scales)
        return cls._build(max_degree, mean, covariances, scales)

    @classmethod
    def of_outlines(cls, log_radii: Doubles, max_degree: int) -> "Spectrum":
        """Measure the spectrum of shapes that are rough alike in all directions, from their outlines.

        To first order an outline is the surface's equator. Its m-th cosine wave there has the amplitude
        sum_l c_lm Y_lm(equator). If all c_lm of a degree have the variance sigma_l², the wave has the variance

            v_m = sum_l sigma_l² Y_lm(equator)²

        which non-negative least squares solves for sigma_l². The sine wave has the same.

        Parameters
        ----------
        log_radii
            Log radius of outlines about their middles at even angles `(cells, angles)`.
        max_degree
            Highest degree.

        Returns
        -------
        Spectrum
            With one variance per degree, and `outlines_only` set.
        """
        from scipy.optimize import nnls  # slow to import, and only measuring needs it

        waves = np.fft.rfft(log_radii, axis=1)[:, : max_degree + 1] * (2 / log_radii.shape[1])
        power = (np.abs(waves) ** 2).mean(axis=0) / 2  # of the cosine and of the sine wave
        equator = real_harmonics(np.array([[1.0, 0.0, 0.0]]), max_degree)[0]
        system = np.zeros((max_degree + 1, max_degree + 1))
        for order in range(2, max_degree + 1):  # the first wave is where the middle was taken to be
            for degree in range(order, max_degree + 1):
                system[order, degree] = equator[index(degree, order)] ** 2
        variances, _ = nnls(system, np.where(np.arange(max_degree + 1) < 2, 0.0, power))
        relative = np.abs(waves) ** 2 / np.maximum(2 * power, 1e-12)
        bands = [relative[:, 2 : FORM + 1], relative[:, FORM + 1 :]]
        scales = np.sqrt(np.stack([band.mean(axis=1) for band in bands], axis=1))
        return cls._isotropic(variances, scales, outlines_only=True)

    @classmethod
    def plain(cls, config: ShapesConfig) -> "Spectrum":
        """Make a spectrum with the constants of the settings, nothing measured (the paper's ablation).

        The variance of a coefficient falls as degree^(-2 decay), and the mean square of log radius over the sphere,
        sum_l (2 l + 1) sigma_l² / (4 pi), is power².

        Parameters
        ----------
        config
            Settings of the shapes.

        Returns
        -------
        Spectrum
            Isotropic, with even scales from a quarter to 1.
        """
        degrees = np.arange(config.max_degree + 1, dtype=float)
        falling = np.where(degrees < 2, 0.0, np.maximum(degrees, 1) ** (-2 * config.decay))
        share = falling * (2 * degrees + 1)
        variances = falling * config.power**2 * 4 * math.pi / share.sum()
        return cls._isotropic(variances, np.repeat(np.linspace(0.25, 1.0, 16)[:, None], 2, axis=1))

    @classmethod
    def _isotropic(cls, variances: Doubles, scales: Doubles, outlines_only: bool = False) -> "Spectrum":
        """Make a spectrum with one variance for each degree `(max_degree + 1,)`."""
        max_degree = len(variances) - 1
        covariances = [np.diag(variances[max(order, 1) :]) for order in range(max_degree + 1)]
        return cls._build(max_degree, np.zeros(max_degree), covariances, scales, outlines_only)

    @classmethod
    def _build(
        cls,
        max_degree: int,
        mean: Doubles,
        covariances: Sequence[Doubles],
        scales: Doubles,
        outlines_only: bool = False,
    ) -> "Spectrum":
        """Make a spectrum with the scales of cells `(cells, 2)`, not normalised yet."""
        scales = np.minimum(scales, np.quantile(scales, TAIL, axis=0))
        # Mean squares of 1 leave the covariances what they say, whatever scales are drawn.
        scales /= np.sqrt((scales**2).mean(axis=0)).clip(min=1e-12)
        kept = scales[evenly_spaced(len(scales), _PAIRS)].round(4)
        return cls(
            max_degree=max_degree,
            mean=tuple(mean.tolist()),
            covariances=tuple(tuple(tuple(row) for row in covariance.tolist()) for covariance in covariances),
            scales=tuple((form, roughness) for form, roughness in kept.tolist()),
            outlines_only=outlines_only,
        )

    @cached_property
    def _roots(self) -> list[Doubles]:
        """A square root of each covariance: with K = V diag(w) V^T, A = V diag(sqrt w) has A A^T = K."""
        roots = []
        for covariance in self.covariances:
            values, vectors = np.linalg.eigh(np.array(covariance))
            # Rounding leaves some eigenvalues slightly below 0. Cholesky's method would refuse these matrices.
            roots.append(vectors * np.sqrt(np.maximum(values, 0)))
        return roots

    def draw(self, rng: Generator) -> Doubles:
        """Draw one shape.

        Parameters
        ----------
        rng
            Generator of this shape.

        Returns
        -------
        Doubles
            Coefficients `((max_degree + 1)²,)`; degree 0, its size, is 0.
        """
        coefficients = np.zeros((self.max_degree + 1) ** 2)
        # One draw for both: rough cells are often odd in form as well, and the pairs measured keep that.
        form, roughness = self.scales[rng.integers(len(self.scales))]
        for order, root in enumerate(self._roots):
            scale = np.where(is_form(order, self.max_degree), form, roughness)
            # Sorted, so that phases get their draws in one order; order 0 has a single phase.
            for phase in sorted({order, -order}):
                coefficients[columns_of(self.max_degree, phase)] = scale * (root @ rng.standard_normal(len(root)))
        coefficients[columns_of(self.max_degree, 0)] += self.mean
        return coefficients

    def power(self) -> Doubles:
        """Give the power of each degree: the expected sum of squares of its coefficients, the mean shape included.

        Returns
        -------
        Doubles
            Power by degree, from 0.
        """
        power = np.zeros(self.max_degree + 1)
        power[1:] = np.square(self.mean)
        for order, covariance in enumerate(self.covariances):
            power[max(order, 1) :] += np.diag(np.array(covariance)) * (1 if order == 0 else 2)
        return power
