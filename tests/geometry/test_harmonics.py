import numpy as np
import pyshtools

from raysynth.base.arrays import Doubles
from raysynth.geometry.harmonics import index, real_harmonics


def directions(count: int) -> Doubles:
    points = np.random.default_rng(0).standard_normal((count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_harmonics_are_those_of_pyshtools() -> None:
    at, weights = directions(20), np.random.default_rng(1).standard_normal(36)
    coefficients = pyshtools.SHCoeffs.from_zeros(5, kind="real", normalization="ortho", csphase=1)
    for degree in range(6):
        for order in range(-degree, degree + 1):
            coefficients.set_coeffs(weights[index(degree, order)], degree, order)
    latitude, longitude = np.degrees(np.arcsin(at[:, 2])), np.degrees(np.arctan2(at[:, 1], at[:, 0]))
    expected = coefficients.expand(lat=latitude, lon=longitude)
    np.testing.assert_allclose(real_harmonics(at, 5) @ weights, expected, atol=1e-10)


def test_every_harmonic_has_a_column() -> None:
    columns = [index(degree, order) for degree in range(5) for order in range(-degree, degree + 1)]
    assert columns == list(range(25))
    assert real_harmonics(directions(3), 4).shape == (3, 25)
