import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from raysynth.data.frames import Pixels
from raysynth.preparation.background import measure_background
from raysynth.preparation.cells import find_cells
from raysynth.preparation.edges import edge_profile, edge_sums
from raysynth.preparation.measure import touching_share
from raysynth.preparation.noise import measure_noise, noise_model
from raysynth.preparation.regions import fit_regions
from raysynth.preparation.statistics import Quantiles


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_quantiles_are_ordered_and_inverted(sample):
    quantiles = Quantiles.of(sample)
    assert quantiles.at(0) == min(sample)
    assert quantiles.at(1) == max(sample)
    assert (np.diff(quantiles.at(np.linspace(0, 1, 33))) >= 0).all()
    assert quantiles.at(quantiles.level(np.mean(sample))) == pytest.approx(np.mean(sample), rel=1e-6, abs=1e-3)


def balls(shape, centres, radius):
    grid = np.indices(shape)
    labels = np.zeros(shape, np.uint32)
    for label, centre in enumerate(centres, start=1):
        labels[sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) <= radius**2] = label
    return labels


def test_region_of_an_embryo_and_none_of_a_full_frame():
    rng = np.random.default_rng(0)
    inside = rng.normal(size=(300, 3))
    inside *= (rng.random((300, 1)) ** (1 / 3)) / np.linalg.norm(inside, axis=1, keepdims=True)
    labels = balls((40, 80, 90), inside * (9, 20, 16) + (18, 44, 40), 2)
    cells = find_cells(Pixels(labels, labels, None, (0, 90)))
    (region,) = fit_regions([cells], [labels.shape])
    assert region.centre_px == pytest.approx((18, 44, 40), abs=2)
    assert region.semi_axes_px == pytest.approx((11, 22, 18), rel=0.15)
    assert region.inside(labels.shape)[labels > 0].mean() == pytest.approx(0.98, abs=0.02)
    spread = balls((90, 90), rng.uniform(5, 85, (40, 2)), 3)
    assert fit_regions([find_cells(Pixels(spread, spread, None, (0, 90)))], [spread.shape]) == [None]


@pytest.fixture
def background():
    rng = np.random.default_rng(3)
    noise = 4 * ndimage.gaussian_filter(rng.normal(size=(1, 192, 192)), (0, 1, 1)) * np.sqrt(4 * np.pi)
    labels = balls((192, 192), rng.uniform(10, 180, (12, 2)), 9)
    image = 100 + noise + 80 * (labels > 0)
    pixels = Pixels(image[0].astype(np.float32), labels, None, (0, 192))
    return measure_background(pixels, 64, rng), labels


def test_background_under_cells_looks_like_that_beside(background):
    measured, labels = background
    beside = ndimage.distance_transform_edt(labels == 0) > 8
    assert measured.level.mean() == pytest.approx(100, abs=1)
    assert measured.filled[0][labels > 0].mean() == pytest.approx(100, abs=2)
    assert measured.filled[0][labels > 0].std() == pytest.approx(measured.filled[0][beside].std(), rel=0.25)


def test_noise_model_sees_the_correlation(background):
    measured, labels = background
    model = noise_model([measure_noise(measured, labels[None] == 0)], 8)
    power = np.array(model.power)
    assert power[4] > 10 * power[-4]
    assert model.marginal.at(0.5) == pytest.approx(0, abs=0.15)
    assert model.illumination_std < 4


def test_edge_profile_of_a_sharp_disc():
    labels = balls((64, 64), [(32, 32)], 14)
    image = np.where(labels > 0, 300, 100).astype(np.uint16)
    profile = edge_profile([edge_sums(image[None], labels[None], np.full((1, 64, 64), 100, np.float32))])
    distance, relative = np.array(profile.distance_px), np.array(profile.relative)
    assert relative[distance > 0] == pytest.approx(1)
    assert relative[distance < 0] == pytest.approx(0)


def test_touching_cells():
    labels = np.zeros((9, 9), np.uint32)
    labels[1, 1:3], labels[1, 4:6], labels[7, 7] = 1, 2, 3
    assert touching_share(labels, 3) == pytest.approx(2 / 3)
