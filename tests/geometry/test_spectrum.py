import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysynth.base.arrays import Doubles
from raysynth.config import ShapesConfig
from raysynth.geometry.harmonics import index, real_harmonics
from raysynth.geometry.moments import FORM, degree_power
from raysynth.geometry.spectrum import Spectrum

PLAIN = Spectrum.plain(ShapesConfig(max_degree=6))


def drawn(spectrum: Spectrum, cells: int, seed: int = 0) -> Doubles:
    rng = np.random.default_rng(seed)
    return np.stack([spectrum.draw(rng) for _ in range(cells)])


def turned(coefficients: Doubles, angle: float) -> Doubles:
    """The same shapes, turned about z."""
    result = coefficients.copy()
    for degree in range(1, math.isqrt(coefficients.shape[1])):
        for order in range(1, degree + 1):
            a, b = coefficients[:, index(degree, order)], coefficients[:, index(degree, -order)]
            cos, sin = math.cos(order * angle), math.sin(order * angle)
            result[:, index(degree, order)], result[:, index(degree, -order)] = a * cos - b * sin, a * sin + b * cos
    return result


def test_amplitude_falls_with_the_degree() -> None:
    per_coefficient = degree_power(drawn(PLAIN, 3000))[2:] / (2 * np.arange(2, 7) + 1)
    np.testing.assert_allclose(per_coefficient / per_coefficient[0], (np.arange(2, 7) / 2.0) ** -4, rtol=0.15)
    assert degree_power(drawn(PLAIN, 10))[:2].tolist() == [0, 0]


def test_plain_roughness_is_the_configured_one() -> None:
    mean_square = (drawn(Spectrum.plain(ShapesConfig(power=0.2)), 2000) ** 2).sum(axis=1).mean() / (4 * math.pi)
    assert math.sqrt(mean_square) == pytest.approx(0.2, rel=0.05)


def test_draws_have_the_spectrum_that_was_measured() -> None:
    cells = drawn(PLAIN, 2000)
    cells[:, index(2, 0)] += 0.3
    measured = Spectrum.of(cells)
    np.testing.assert_allclose(measured.power(), degree_power(cells), rtol=0.1, atol=1e-4)
    np.testing.assert_allclose(degree_power(drawn(measured, 2000, seed=1)), degree_power(cells), rtol=0.15, atol=1e-4)
    assert measured.mean[1] == pytest.approx(0.3, abs=0.02)


def test_degrees_that_go_together_are_drawn_together() -> None:
    cells = drawn(PLAIN, 2000)
    cells[:, index(4, 2)] = 0.5 * cells[:, index(2, 2)]
    cells[:, index(4, -2)] = 0.5 * cells[:, index(2, -2)]
    again = drawn(Spectrum.of(cells), 2000, seed=1)
    assert np.corrcoef(again[:, index(4, 2)], again[:, index(2, 2)])[0, 1] > 0.9
    assert abs(np.corrcoef(again[:, index(4, 1)], again[:, index(2, 2)])[0, 1]) < 0.1


@settings(max_examples=5)
@given(st.floats(0, 2 * math.pi))
def test_turning_cells_about_z_changes_nothing(angle: float) -> None:
    cells = drawn(PLAIN, 300)
    a, b = Spectrum.of(cells), Spectrum.of(turned(cells, angle))
    for one, other in zip(a.covariances, b.covariances, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(a.mean, b.mean, atol=1e-9)
    np.testing.assert_allclose(a.scales, b.scales, atol=2e-4)


def test_cells_keep_their_own_form_and_roughness() -> None:
    """A population half of which is four times as rough, in the high degrees alone."""
    cells = drawn(PLAIN, 600)
    high = np.arange(cells.shape[1]) >= index(FORM + 1, -FORM - 1)
    cells /= np.sqrt((cells[:, ~high] ** 2).sum(axis=1, keepdims=True))
    cells[:, high] /= np.sqrt((cells[:, high] ** 2).sum(axis=1, keepdims=True))
    cells[::2, high] *= 4
    form, roughness = np.array(Spectrum.of(cells).scales).T
    assert np.quantile(roughness, 0.75) / np.quantile(roughness, 0.25) == pytest.approx(4, rel=0.15)
    assert np.quantile(form, 0.75) / np.quantile(form, 0.25) < 1.5


def test_a_few_damaged_cells_do_not_spoil_the_spectrum() -> None:
    cells = drawn(PLAIN, 400)
    clean = Spectrum.of(cells).power().sum()
    cells[:8] *= 20
    assert Spectrum.of(cells).power().sum() < 1.6 * clean
    assert degree_power(cells).sum() > 5 * clean


def test_outlines_give_back_the_spectrum_of_their_equators() -> None:
    """Shapes rough alike in all directions, of which only the equator is seen."""
    angle = 2 * math.pi * np.arange(64) / 64
    equator = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    cells = drawn(PLAIN, 4000)
    logs = cells @ real_harmonics(equator, 6).T
    found = Spectrum.of_outlines(logs - logs.mean(axis=1, keepdims=True), 6)
    np.testing.assert_allclose(found.power()[2:5], degree_power(cells)[2:5], rtol=0.35)
    assert found.power().sum() == pytest.approx(degree_power(cells).sum(), rel=0.2)


def test_few_cells_and_round_ones_do_no_harm() -> None:
    for spectrum in (
        Spectrum.of(drawn(PLAIN, 3)),
        Spectrum.of(np.zeros((5, 49))),
        Spectrum.of_outlines(np.zeros((4, 64)), 6),
    ):
        assert np.isfinite(drawn(spectrum, 5)).all()
        assert Spectrum.model_validate_json(spectrum.model_dump_json()) == spectrum


def test_a_draw_depends_on_its_generator_alone() -> None:
    one, again = (PLAIN.draw(np.random.default_rng(3)) for _ in range(2))
    assert (one == again).all()
    assert one[0] == 0
