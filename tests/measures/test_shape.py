import numpy as np
import pytest
from scipy import ndimage

from raysynth.base.arrays import Mask
from raysynth.measures.shape import half_distance, ks_distance, measure_shape, shape_columns

VOXEL = (1.0, 0.5, 0.5)


def ellipsoid(z: float, y: float, x: float) -> Mask:
    radii = [r / v for r, v in zip((z, y, x), VOXEL, strict=True)]
    grids = np.ogrid[tuple(slice(-int(r) - 1, int(r) + 2) for r in radii)]
    return np.asarray(sum((g / r) ** 2 for g, r in zip(grids, radii, strict=True))) <= 1


def test_a_ball_is_round_and_convex() -> None:
    ball = measure_shape(ellipsoid(8, 8, 8), VOXEL)
    assert ball.volume_um3 == pytest.approx(4 / 3 * np.pi * 512, rel=0.03)
    assert ball.height_to_width == pytest.approx(1, abs=0.07)
    assert ball.sphericity == pytest.approx(1, abs=0.02)
    assert ball.solidity == pytest.approx(1, abs=0.02)


def test_a_tall_spheroid_has_its_own_sphericity() -> None:
    tall = measure_shape(ellipsoid(16, 8, 8), VOXEL)
    assert tall.height_to_width == pytest.approx(2, abs=0.1)
    assert tall.sphericity == pytest.approx(0.93, abs=0.015)  # of a 2:1 prolate spheroid


def test_two_balls_are_not_convex() -> None:
    dumbbell = np.zeros((20, 40, 76), bool)
    z, y, x = np.indices(dumbbell.shape)
    for middle in (20, 56):
        dumbbell |= (z - 10) ** 2 + ((y - 20) / 2) ** 2 + ((x - middle) / 2) ** 2 <= 81
    pair = measure_shape(dumbbell, VOXEL)
    assert pair.solidity < 0.9
    assert pair.sphericity < measure_shape(dumbbell[:, :, :38], VOXEL).sphericity


def test_roughness_shows_until_it_is_smoothed() -> None:
    rng = np.random.default_rng(0)
    ball = ellipsoid(8, 8, 8)
    rim = ball & ~ndimage.binary_erosion(ball)
    rough = ball & ~(rim & (rng.random(ball.shape) < 0.5))
    smooth = measure_shape(ball, VOXEL, smoothing=0).sphericity
    assert measure_shape(rough, VOXEL, smoothing=0).sphericity < 0.8 * smooth
    assert measure_shape(rough, VOXEL, smoothing=2).sphericity > 0.9


def test_a_plate_of_one_voxel_can_be_measured() -> None:
    plate = np.ones((1, 12, 12), bool)
    assert 0 < measure_shape(plate, VOXEL, smoothing=2).sphericity < 1


def test_distances_between_samples() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=2000), rng.normal(1, 1, 2000)
    assert ks_distance(a, a) == 0
    assert ks_distance(a, b) == pytest.approx(0.383, abs=0.04)  # 2 Phi(1/2) - 1
    # The mean of the statistic for two samples of n is 0.869 sqrt(2 / n).
    assert half_distance(a[:100], rng) == pytest.approx(0.869 * np.sqrt(2 / 50), abs=0.02)
    columns = shape_columns([measure_shape(ellipsoid(6, 6, 6), VOXEL)] * 3)
    assert set(columns) == {"volume_um3", "height_to_width", "sphericity", "solidity"}
    assert columns["solidity"].shape == (3,)
