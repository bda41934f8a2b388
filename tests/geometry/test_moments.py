import numpy as np
import pytest

from raysynth.base.arrays import Doubles
from raysynth.geometry.harmonics import index
from raysynth.geometry.moments import (
    FORM,
    columns_of,
    degree_power,
    is_form,
    limit_scales,
    measure_moments,
    measure_scales,
)


def cells(count: int, seed: int = 0) -> Doubles:
    """Independent coefficients of degrees up to 6; those of degree 0 are 0."""
    coefficients = np.random.default_rng(seed).normal(0, 0.1, (count, 49))
    coefficients[:, 0] = 0
    return coefficients


def test_columns_of_an_order_are_its_degrees() -> None:
    assert columns_of(3, 0) == [index(1, 0), index(2, 0), index(3, 0)]
    assert columns_of(3, -2) == [index(2, -2), index(3, -2)]
    assert is_form(3, 6).tolist() == [True, True, False, False]


def test_the_covariance_of_few_cells_is_nearer_its_diagonal() -> None:
    few, many = (measure_moments(cells(count))[1][1] for count in (4, 4000))
    raw = np.concatenate([cells(4)[:, columns_of(6, order)] for order in (1, -1)])
    trust = 8 / (8 + 6)
    assert few[0, 1] == pytest.approx(trust * (raw.T @ raw / 8)[0, 1])
    assert np.diag(few) == pytest.approx(np.diag(raw.T @ raw / 8))
    assert np.abs(many - np.diag(np.diag(many))).max() < 0.001


def test_scales_of_ordinary_cells_are_about_one() -> None:
    population = cells(2000)
    scales = measure_scales(population, *measure_moments(population))
    assert (scales**2).mean(axis=0) == pytest.approx([1, 1], abs=0.03)


def test_a_cell_that_is_twice_as_rough_has_twice_the_scale() -> None:
    population = cells(2000)
    mean, covariances = measure_moments(population)
    rough = population.copy()
    rough[:, index(FORM + 1, -FORM - 1) :] *= 2
    rough[:, columns_of(6, 0)[FORM:]] -= mean[FORM:]
    before, after = (measure_scales(of, mean, covariances) for of in (population, rough))
    assert after[:, 0] == pytest.approx(before[:, 0])
    assert after[:, 1] == pytest.approx(2 * before[:, 1])


def test_only_the_largest_scales_are_limited() -> None:
    population = cells(400)
    population[0] *= 50
    mean, covariances = measure_moments(population)
    scales = measure_scales(population, mean, covariances)
    limited = limit_scales(population, mean, scales)
    changed = ~np.isclose(limited, population).all(axis=1)
    assert changed[0]
    assert changed.mean() < 0.11  # a twentieth of the cells by form, and a twentieth by roughness
    assert measure_scales(limited, mean, covariances)[0] == pytest.approx(np.quantile(scales, 0.95, axis=0))


def test_power_is_the_mean_sum_of_squares_of_a_degree() -> None:
    coefficients = np.zeros((2, 9))
    coefficients[0, index(2, -1)], coefficients[1, index(2, 2)], coefficients[1, 0] = 2, 4, 1
    assert degree_power(coefficients).tolist() == [0.5, 0, 10]
