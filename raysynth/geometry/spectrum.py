"""The harmonic spectrum of a population of shapes: measured on real cells, drawn from for synthetic ones.

A shape is the log radius of a star-shaped surface, expanded in real harmonics; it is taken in the cube in which the
cascade frames a cell, height and width scaled to the same length. Turning a cell about z changes nothing, so the two
phases of an order share one covariance over the degrees, orders do not mix, and order 0 alone has a mean. Cells differ
in how far they are from round, and in how rough they are, much more than a normal distribution says: each draws its own
two scales, for the degrees up to `FORM` and for those above, from the pairs measured.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from raysynth.config import ShapesConfig
from raysynth.geometry.harmonics import index, real_harmonics

Floats = NDArray[np.float64]
FORM = 4
"""Degrees up to this one are a shape's form, those above its roughness."""

_PAIRS = 400
_ROUNDS = 2
_TAIL = 0.95
"""Quantile to which larger scales are drawn in: plates, bodies that are not star-shaped and damaged labels have log
radii whose covariance says nothing of what they look like."""


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
    def of(cls, coefficients: Floats) -> "Spectrum":
        """The spectrum of cells' coefficients `(cells, (max_degree + 1)²)`."""
        max_degree = math.isqrt(coefficients.shape[1]) - 1
        for _ in range(_ROUNDS):
            mean, covariances = _moments(coefficients)
            scales = _scales(coefficients, mean, covariances)
            coefficients = _drawn_in(coefficients, mean, scales)
        return cls._build(max_degree, mean, covariances, scales)

    @classmethod
    def of_outlines(cls, log_radii: Floats, max_degree: int) -> "Spectrum":
        """The spectrum of shapes that are rough alike in all directions, from their outlines.

        log_radii: `(cells, angles)`, log radius of outlines about their middles at even angles. To first order an
        outline is the surface's equator, so the variance of its m-th wave is the sum over degrees l of sigma_l²
        Y_lm(equator)², which non-negative least squares solves for sigma_l.
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
        spectrum = cls._isotropic(variances, np.sqrt(np.stack([band.mean(axis=1) for band in bands], axis=1)))
        return spectrum.model_copy(update={"outlines_only": True})

    @classmethod
    def plain(cls, config: ShapesConfig) -> "Spectrum":
        """Spherical harmonics with the constants of the settings, nothing measured (the paper's ablation)."""
        degrees = np.arange(config.max_degree + 1, dtype=float)
        falling = np.where(degrees < 2, 0.0, np.maximum(degrees, 1) ** (-2 * config.decay))
        share = falling * (2 * degrees + 1)
        variances = falling * config.power**2 * 4 * math.pi / share.sum()
        return cls._isotropic(variances, np.repeat(np.linspace(0.25, 1.0, 16)[:, None], 2, axis=1))

    @classmethod
    def _isotropic(cls, variances: Floats, scales: Floats) -> "Spectrum":
        """A spectrum with one variance for each degree `(max_degree + 1,)`."""
        max_degree = len(variances) - 1
        covariances = [np.diag(variances[max(order, 1) :]) for order in range(max_degree + 1)]
        return cls._build(max_degree, np.zeros(max_degree), covariances, scales)

    @classmethod
    def _build(cls, max_degree: int, mean: Floats, covariances: Sequence[Floats], scales: Floats) -> "Spectrum":
        """A spectrum with the scales of cells `(cells, 2)`, not normalised yet."""
        scales = np.minimum(scales, np.quantile(scales, _TAIL, axis=0))
        scales /= np.sqrt((scales**2).mean(axis=0)).clip(min=1e-12)
        kept = scales[np.linspace(0, len(scales) - 1, min(len(scales), _PAIRS)).round().astype(int)].round(4)
        rows = tuple(tuple(tuple(row) for row in covariance.tolist()) for covariance in covariances)
        return cls(max_degree=max_degree, mean=mean.tolist(), covariances=rows, scales=kept.tolist())

    @cached_property
    def _roots(self) -> list[Floats]:
        """A square root of each covariance."""
        roots = []
        for covariance in self.covariances:
            values, vectors = np.linalg.eigh(np.array(covariance))
            roots.append(vectors * np.sqrt(np.maximum(values, 0)))
        return roots

    def draw(self, rng: Generator) -> Floats:
        """Coefficients `((max_degree + 1)²,)` of one shape; degree 0, its size, is 0."""
        coefficients = np.zeros((self.max_degree + 1) ** 2)
        form, roughness = self.scales[rng.integers(len(self.scales))]
        for order, root in enumerate(self._roots):
            scale = np.where(_is_form(order, self.max_degree), form, roughness)
            for phase in sorted({order, -order}):
                coefficients[_columns(self.max_degree, phase)] = scale * (root @ rng.standard_normal(len(root)))
        coefficients[_columns(self.max_degree, 0)] += self.mean
        return coefficients

    def power(self) -> Floats:
        """Mean square of all coefficients of each degree `(max_degree + 1,)`, the mean shape included."""
        power = np.zeros(self.max_degree + 1)
        power[1:] = np.square(self.mean)
        for order, covariance in enumerate(self.covariances):
            power[max(order, 1) :] += np.diag(np.array(covariance)) * (1 if order == 0 else 2)
        return power


def power(coefficients: Floats) -> Floats:
    """Mean square of all coefficients of each degree `(max_degree + 1,)`, of cells `(cells, (max_degree + 1)²)`."""
    square = (coefficients**2).mean(axis=0)
    degrees = range(math.isqrt(coefficients.shape[1]))
    return np.array([square[index(degree, -degree) : index(degree, degree) + 1].sum() for degree in degrees])


def _columns(max_degree: int, order: int) -> list[int]:
    return [index(degree, order) for degree in range(max(abs(order), 1), max_degree + 1)]


def _moments(coefficients: Floats) -> tuple[Floats, list[Floats]]:
    """Mean of order 0, and the covariance of each order, both phases taken together."""
    max_degree = math.isqrt(coefficients.shape[1]) - 1
    mean = coefficients[:, _columns(max_degree, 0)].mean(axis=0)
    covariances = [_shrunk(np.concatenate(_centred(coefficients, mean, order))) for order in range(max_degree + 1)]
    return mean, covariances


def _scales(coefficients: Floats, mean: Floats, covariances: Sequence[Floats]) -> Floats:
    """Form and roughness of each cell `(cells, 2)`: root mean square of its coefficients once these are whitened."""
    squares, counts = np.zeros((len(coefficients), 2)), np.zeros(2)
    for order, covariance in enumerate(covariances):
        form = _is_form(order, len(covariances) - 1)
        for part, which in enumerate((form, ~form)):
            inverse = np.linalg.pinv(covariance[np.ix_(which, which)], hermitian=True)
            for x in _centred(coefficients, mean, order):
                squares[:, part] += np.einsum("ni,ij,nj->n", x[:, which], inverse, x[:, which])
                counts[part] += which.sum()
    return np.sqrt(squares / np.maximum(counts, 1))


def _drawn_in(coefficients: Floats, mean: Floats, scales: Floats) -> Floats:
    """The coefficients with each cell's form and roughness held at their quantiles of `_TAIL`."""
    max_degree = math.isqrt(coefficients.shape[1]) - 1
    held = np.minimum(1.0, np.quantile(scales, _TAIL, axis=0) / np.maximum(scales, 1e-12))
    degrees = np.sqrt(np.arange(coefficients.shape[1])).astype(int)
    middle = np.zeros(coefficients.shape[1])
    middle[_columns(max_degree, 0)] = mean
    return middle + (coefficients - middle) * np.where(degrees <= FORM, held[:, :1], held[:, 1:])


def _centred(coefficients: Floats, mean: Floats, order: int) -> list[Floats]:
    """Coefficients of each phase of an order, less their mean."""
    max_degree = math.isqrt(coefficients.shape[1]) - 1
    if order == 0:
        return [coefficients[:, _columns(max_degree, 0)] - mean]
    return [coefficients[:, _columns(max_degree, phase)] for phase in (order, -order)]


def _is_form(order: int, max_degree: int) -> NDArray[np.bool_]:
    """Which of an order's degrees are of the form."""
    return np.arange(max(order, 1), max_degree + 1) <= FORM


def _shrunk(centred: Floats) -> Floats:
    """Covariance of rows; the fewer they are, the nearer its diagonal."""
    covariance = centred.T @ centred / len(centred)
    trust = len(centred) / (len(centred) + len(covariance))
    return trust * covariance + (1 - trust) * np.diag(np.diag(covariance))
