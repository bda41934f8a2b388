"""Real spherical harmonics, orthonormal on the unit sphere, as matrices over directions.

For degree l and order m, with P the associated Legendre functions without Condon-Shortley phase:

    Y_lm = N_lm P_lm(cos theta) cos(m phi)        for m >= 0
    Y_lm = N_l|m| P_l|m|(cos theta) sin(|m| phi)  for m < 0

theta is the angle from z and phi the azimuth from x. N makes the integral of Y² over the sphere 1: pyshtools' `PlmON`
gives N P, the factor sqrt(2) of m > 0 included (its "orthonormalized" convention). So Y_00 = 1 / sqrt(4 pi).
"""

import numpy as np

from raysynth.base.arrays import Doubles


def index(degree: int, order: int) -> int:
    """Give the column of one harmonic: degrees from 0, in each the orders from -degree to degree.

    Parameters
    ----------
    degree
        From 0.
    order
        From -degree to degree.

    Returns
    -------
    int
        The column in `real_harmonics`.
    """
    return degree * (degree + 1) + order


def real_harmonics(directions: Doubles, max_degree: int) -> Doubles:
    """Evaluate all harmonics up to a degree.

    Parameters
    ----------
    directions
        Unit vectors `(v, 3)`, (x, y, z).
    max_degree
        Highest degree.

    Returns
    -------
    Doubles
        `(v, (max_degree + 1)²)`, columns as `index` numbers them.
    """
    from pyshtools.legendre import PlmON  # a second to import, and reading a bundle's description needs none of it

    # Legendre functions depend on z alone, and symmetric grids repeat their heights many times.
    # Rounding joins heights that differ in the last bit, and brings 1 + 2e-16 back into the functions' domain.
    heights, where = np.unique(directions[:, 2].round(12), return_inverse=True)
    legendre = np.stack([PlmON(max_degree, z) for z in heights])[where.ravel()]
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    waves = {m: np.sin(-m * azimuth) if m < 0 else np.cos(m * azimuth) for m in range(-max_degree, max_degree + 1)}
    basis = np.empty((len(directions), (max_degree + 1) ** 2))
    for degree in range(max_degree + 1):
        for order in range(-degree, degree + 1):
            basis[:, index(degree, order)] = legendre[:, index(degree, abs(order)) - _unused(degree)] * waves[order]
    return basis


def _unused(degree: int) -> int:
    """Count the columns of `index` up to this degree that PlmON, which has no negative orders, leaves out."""
    return degree * (degree + 1) // 2
