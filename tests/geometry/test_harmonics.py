import numpy as np
import pyshtools
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from raysynth.config import ShapesConfig
from raysynth.geometry import harmonics
from raysynth.geometry.harmonics import FILL
from raysynth.seeds import Stage, generator

SMOOTH = ShapesConfig(power=1e-6, elongation=1.0, axial_ratio=(1.0, 1.0))


def draw(config: ShapesConfig, *items: int) -> harmonics.Shapes:
    return harmonics.draw([generator(0, 0, Stage.TRAINING, item) for item in items], config)


def test_harmonics_are_those_of_pyshtools() -> None:
    rng = np.random.default_rng(0)
    directions = F.normalize(torch.from_numpy(rng.standard_normal((20, 3))), dim=1).numpy()
    weights = rng.standard_normal((5 + 1) ** 2 - 4)
    coefficients = pyshtools.SHCoeffs.from_zeros(5, kind="real", normalization="ortho", csphase=1)
    orders = [(degree, order) for degree in range(2, 6) for order in range(-degree, degree + 1)]
    for (degree, order), weight in zip(orders, weights, strict=True):
        coefficients.set_coeffs(weight, degree, order)
    latitude = np.degrees(np.arcsin(directions[:, 2]))
    longitude = np.degrees(np.arctan2(directions[:, 1], directions[:, 0]))
    expected = coefficients.expand(lat=latitude, lon=longitude)
    np.testing.assert_allclose(harmonics.real_harmonics(directions, 5) @ weights, expected, atol=1e-10)


def test_a_smooth_shape_is_a_sphere() -> None:
    shapes = draw(SMOOTH, 0, 1)
    radius = shapes.height / 2
    field = harmonics.fields(shapes, 15)
    z, y, x = torch.meshgrid(*[harmonics.pixel_centres(15)] * 3, indexing="ij")
    expected = radius[:, None, None, None] - (x**2 + y**2 + z**2).sqrt()
    torch.testing.assert_close(field, expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.0])
def test_height_over_width_is_as_configured(ratio: float) -> None:
    extent = draw(ShapesConfig(power=1e-6, elongation=1.0, axial_ratio=(ratio, ratio)), 0).extent[0]
    assert float(extent[2] / extent[0]) == pytest.approx(ratio, rel=0.01)
    assert float(extent.max()) == pytest.approx(2 * FILL, rel=0.07)


def test_amplitude_falls_with_the_degree() -> None:
    coefficients = draw(ShapesConfig(max_degree=4, decay=2.0), *range(200)).coefficients
    spread = [coefficients[:, first:last].std() for first, last in ((0, 5), (12, 21))]
    assert float(spread[1] / spread[0]) == pytest.approx(2.0**-2, rel=0.15)


def test_roughness_stays_within_power() -> None:
    config = ShapesConfig(power=0.16)
    mean_square = draw(config, *range(300)).coefficients.square().sum(dim=1).mean() / (4 * np.pi)
    # The shapes' own amplitudes are uniform between a quarter of the power and all of it.
    assert float(mean_square.sqrt()) == pytest.approx(0.16 * 0.4375**0.5, rel=0.1)


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), degree=st.sampled_from([1, 6]))
def test_every_shape_is_centred_and_inside_the_cube(seed: int, degree: int) -> None:
    config = ShapesConfig(max_degree=degree, axial_ratio=(0.4, 2.5))
    shapes = harmonics.draw([np.random.default_rng(seed)], config)
    mesh = harmonics.meshes(shapes, subdivisions=4)[0]
    np.testing.assert_allclose(mesh.bounds[0], -mesh.bounds[1], atol=1e-5)
    np.testing.assert_allclose(np.ptp(mesh.bounds, axis=0), shapes.extent[0].numpy(), atol=1e-5)
    assert 0.9 * 2 * FILL < float(shapes.extent.max()) < 2
    field = harmonics.fields(shapes, 16)[0]
    assert float(field.max()) > 0
    assert all(float(face.max()) < 0 for axis in range(3) for face in (field.select(axis, 0), field.select(axis, -1)))


def test_the_field_vanishes_on_the_mesh_and_fills_its_volume() -> None:
    shapes = draw(ShapesConfig(axial_ratio=(0.5, 2.0)), 3, 4, 5)
    field = harmonics.fields(shapes, 32)
    for one, mesh in zip(field, harmonics.meshes(shapes), strict=True):
        assert mesh.is_watertight
        vertices = torch.from_numpy(np.array(mesh.vertices)).float()
        on_surface = F.grid_sample(one[None, None], vertices[None, None, None], align_corners=False)
        assert float(on_surface.abs().max()) < 0.03
        assert float((one > 0).float().mean()) * 8 == pytest.approx(mesh.volume, rel=0.02)


def test_a_shape_depends_on_its_own_generator_alone() -> None:
    config = ShapesConfig()
    together, alone = draw(config, 5, 6, 7), draw(config, 6)
    torch.testing.assert_close(together.coefficients[1], alone.coefficients[0], rtol=0, atol=0)
    torch.testing.assert_close(harmonics.fields(together, 16)[1], harmonics.fields(alone, 16)[0], rtol=0, atol=1e-6)
