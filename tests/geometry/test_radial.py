import math

import numpy as np
import pytest

from raysynth.base.arrays import Mask
from raysynth.geometry.harmonics import index
from raysynth.geometry.radial import ANGLES, coefficients, outline_log_radii
from raysynth.geometry.stars import FILL

VOXEL = (2.0, 0.8, 0.8)


def ellipsoid(radii_um: tuple[float, float, float]) -> Mask:
    """Mask of an ellipsoid with these radii along z, y and x."""
    grids = np.ogrid[
        tuple(slice(-math.ceil(r / v) - 1, math.ceil(r / v) + 2) for r, v in zip(radii_um, VOXEL, strict=True))
    ]
    z, y, x = ((g * v / r) ** 2 for g, v, r in zip(grids, VOXEL, radii_um, strict=True))
    inside: Mask = z + y + x <= 1
    return inside


@pytest.mark.parametrize("height", [8.0, 16.0, 24.0])
def test_a_spheroid_of_any_height_is_round_in_the_cube(height: float) -> None:
    found = coefficients(ellipsoid((height, 12.0, 12.0)), VOXEL, 6)
    assert found.shape == (49,)
    assert math.exp(found[0] / math.sqrt(4 * math.pi)) == pytest.approx(FILL, rel=0.1)  # the box ends at voxels
    assert np.sqrt((found[1:] ** 2).sum() / (4 * math.pi)) < 0.06


def test_an_elongated_cell_has_the_second_wave_of_its_direction() -> None:
    found = coefficients(ellipsoid((14.0, 8.0, 16.0)), VOXEL, 4)  # long along x
    assert found[index(2, 2)] > 0.3
    assert abs(found[index(2, -2)]) < 0.03
    turned = coefficients(ellipsoid((14.0, 16.0, 8.0)), VOXEL, 4)
    assert turned[index(2, 2)] == pytest.approx(-found[index(2, 2)], abs=0.05)


def test_a_bulge_shows_where_it_is() -> None:
    mask = ellipsoid((12.0, 12.0, 12.0))
    z, y, x = np.indices(mask.shape)
    middle = [n // 2 for n in mask.shape]
    mask |= ((z - middle[0]) * 2.0) ** 2 + ((y - middle[1]) * 0.8) ** 2 + ((x - middle[2] - 12) * 0.8) ** 2 <= 36
    found = coefficients(mask, VOXEL, 3)
    assert abs(found[index(3, 1)]) + abs(found[index(3, 3)]) > 5 * (abs(found[index(3, -1)]) + abs(found[index(3, -3)]))


def test_waves_of_an_outline() -> None:
    angle = 2 * math.pi * np.arange(ANGLES) / ANGLES
    y, x = np.mgrid[-40:41, -40:41]
    outline = np.hypot(x, y) <= 24 * np.exp(0.15 * np.cos(3 * np.arctan2(y, x)))
    np.testing.assert_allclose(outline_log_radii(outline), 0.15 * np.cos(3 * angle), atol=0.03)


def test_a_body_that_does_not_hold_its_centroid_stays_finite() -> None:
    ring = ellipsoid((6.0, 16.0, 16.0))
    ring[:, 12:-12, 12:-12] = False
    assert np.isfinite(coefficients(ring, VOXEL, 6)).all()
