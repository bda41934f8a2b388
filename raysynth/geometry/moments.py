"""Moments of shapes about z: the mean and the covariances of harmonics, and how far single cells lie from them.

Coefficients are a matrix `(cells, (max_degree + 1)²)`, columns as `harmonics.index` numbers them. A population whose
cells lie at random angles about z looks the same when all are turned. That leaves of its covariance

    E[c_lm c_l'm'] = K_|m|(l, l') if m = m', else 0

and of its mean the order 0: turning by phi multiplies the pair (c_lm, c_l-m) by a rotation of m phi, whose average is 0
for m > 0. So both phases of an order are samples of one covariance K over the degrees.
"""

import math
from collections.abc import Sequence

import numpy as np

from raysynth.base.arrays import Doubles, Mask
from raysynth.geometry.harmonics import index

FORM = 4
"""Degrees up to this one are a shape's form, those above its roughness."""

TAIL = 0.95
"""Quantile to which larger scales are drawn in: plates, bodies that are not star-shaped and damaged labels have log
radii whose covariance says nothing of what they look like."""


def columns_of(max_degree: int, order: int) -> list[int]:
    """Give the columns of one order, for degrees from 1.

    Parameters
    ----------
    max_degree
        Highest degree.
    order
        From -max_degree to max_degree.

    Returns
    -------
    list of int
        By degree.
    """
    return [index(degree, order) for degree in range(max(abs(order), 1), max_degree + 1)]


def is_form(order: int, max_degree: int) -> Mask:
    """Say which degrees of an order are of the form.

    Parameters
    ----------
    order
        From 0.
    max_degree
        Highest degree.

    Returns
    -------
    Mask
        As `columns_of` orders them.
    """
    return np.arange(max(order, 1), max_degree + 1) <= FORM


def measure_moments(coefficients: Doubles) -> tuple[Doubles, list[Doubles]]:
    """Measure the mean of order 0, and the covariance of each order, both phases taken together.

    Parameters
    ----------
    coefficients
        Coefficients of cells.

    Returns
    -------
    tuple
        The mean over degrees from 1, and for each order from 0 its covariance over degrees.
    """
    max_degree = _max_degree(coefficients)
    mean = coefficients[:, columns_of(max_degree, 0)].mean(axis=0)
    covariances = [_shrunk(np.concatenate(_centred(coefficients, mean, order))) for order in range(max_degree + 1)]
    return mean, covariances


def measure_scales(coefficients: Doubles, mean: Doubles, covariances: Sequence[Doubles]) -> Doubles:
    """Measure how far each cell is from the mean, in its form and in its roughness.

    Whitening makes all coefficients equally large: with K their covariance, x^T K⁻¹ x is the sum of squares of
    uncorrelated values of variance 1 (Mahalanobis). Its root mean square over a cell's coefficients is the cell's
    scale.

    Parameters
    ----------
    coefficients
        Coefficients of cells.
    mean, covariances
        Their moments.

    Returns
    -------
    Doubles
        Scales of form and roughness `(cells, 2)`.
    """
    squares, counts = np.zeros((len(coefficients), 2)), np.zeros(2)
    for order, covariance in enumerate(covariances):
        form = is_form(order, len(covariances) - 1)
        for part, which in enumerate((form, ~form)):
            # A pseudoinverse, since equal cells have directions without variance, in which nothing is to be measured.
            inverse = np.linalg.pinv(covariance[np.ix_(which, which)], hermitian=True)
            for x in _centred(coefficients, mean, order):
                squares[:, part] += np.einsum("ni,ij,nj->n", x[:, which], inverse, x[:, which])
                # Order 0 has one phase, the others two: counted as they come, so each coefficient weighs the same.
                counts[part] += which.sum()
    scales: Doubles = np.sqrt(squares / np.maximum(counts, 1))
    return scales


def limit_scales(coefficients: Doubles, mean: Doubles, scales: Doubles) -> Doubles:
    """Hold each cell's form and roughness at their quantiles of `TAIL`.

    Parameters
    ----------
    coefficients
        Coefficients of cells.
    mean
        Their mean.
    scales
        Their scales.

    Returns
    -------
    Doubles
        Coefficients; those of cells with larger scales are moved towards the mean.
    """
    # Towards the mean, not left out: few populations have cells to spare, and an odd one is still partly of its kind.
    held = np.minimum(1.0, np.quantile(scales, TAIL, axis=0) / np.maximum(scales, 1e-12))
    # Columns l² to l² + 2 l are those of degree l, so the whole part of the root is the degree.
    degrees = np.sqrt(np.arange(coefficients.shape[1])).astype(int)
    middle = np.zeros(coefficients.shape[1])
    middle[columns_of(_max_degree(coefficients), 0)] = mean
    return middle + (coefficients - middle) * np.where(degrees <= FORM, held[:, :1], held[:, 1:])


def degree_power(coefficients: Doubles) -> Doubles:
    """Measure the power of each degree: the mean over cells of the sum of squares of its coefficients.

    Parameters
    ----------
    coefficients
        Coefficients of cells.

    Returns
    -------
    Doubles
        Power by degree, from 0.
    """
    square = (coefficients**2).mean(axis=0)
    degrees = range(_max_degree(coefficients) + 1)
    return np.array([square[index(degree, -degree) : index(degree, degree) + 1].sum() for degree in degrees])


def _max_degree(coefficients: Doubles) -> int:
    return math.isqrt(coefficients.shape[1]) - 1


def _centred(coefficients: Doubles, mean: Doubles, order: int) -> list[Doubles]:
    """Take the coefficients of each phase of an order, less their mean."""
    max_degree = _max_degree(coefficients)
    # Only order 0 has a mean: turning about z averages all others to 0, so theirs is known and not estimated.
    if order == 0:
        return [coefficients[:, columns_of(max_degree, 0)] - mean]
    return [coefficients[:, columns_of(max_degree, phase)] for phase in (order, -order)]


def _shrunk(centred: Doubles) -> Doubles:
    """Estimate the covariance of rows; the fewer they are, the nearer its diagonal.

    Of n rows with p columns, the off-diagonal values keep n / (n + p) of their size. The full sample covariance of few
    rows would have directions without any variance (Ledoit and Wolf, 2004, shrink for the same reason).
    """
    # Over n and not n - 1: but for order 0 the mean is known, and takes no degree of freedom.
    covariance = centred.T @ centred / len(centred)
    trust = len(centred) / (len(centred) + len(covariance))
    return trust * covariance + (1 - trust) * np.diag(np.diag(covariance))
