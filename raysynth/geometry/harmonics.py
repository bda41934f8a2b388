"""Real spherical harmonics, orthonormal on the unit sphere, as matrices over directions."""

import numpy as np
from numpy.typing import NDArray


def index(degree: int, order: int) -> int:
    """Column of one harmonic: degrees from 0, in each the orders from -degree to degree."""
    return degree * (degree + 1) + order


def real_harmonics(directions: NDArray[np.float64], max_degree: int) -> NDArray[np.float64]:
    """Harmonics of degrees 0..max_degree at unit vectors `(v, 3)`: `(v, (max_degree + 1)²)`.

    Order m > 0 goes with cos(m azimuth), -m with sin(m azimuth).
    """
    from pyshtools.legendre import PlmON  # a second to import, and reading a bundle's description needs none of it

    # Legendre functions depend on z alone, and symmetric grids repeat their heights many times.
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
    """Columns of `index` up to this degree that PlmON, which has no negative orders, leaves out."""
    return degree * (degree + 1) // 2
