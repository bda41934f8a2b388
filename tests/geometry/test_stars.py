import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raysynth.config import ShapesConfig
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import FILL, JITTER, Stars, draw_stars, framed

PLAIN = Spectrum.plain(ShapesConfig(max_degree=6))


def some(*seeds: int, aspect: tuple[float, float] = (0.9, 1.1)) -> Stars:
    return draw_stars([np.random.default_rng(seed) for seed in seeds], PLAIN, aspect)


def round_cell(aspect: float, fill: float = FILL) -> Stars:
    return framed(torch.zeros(1, 49), torch.tensor([aspect]), torch.tensor([fill]))


def box(field: torch.Tensor) -> list[float]:
    """Extent along x, y and z of a field on a grid."""
    inside = field > 0
    return [float(inside.any(dim=axes[0]).any(dim=axes[1]).sum()) * 2 / len(field) for axes in ((0, 0), (0, 1), (2, 1))]


def test_a_shape_without_harmonics_is_a_spheroid() -> None:
    z, y, x = torch.meshgrid(*[pixel_centres(21)] * 3, indexing="ij")
    sphere = round_cell(1.0)
    torch.testing.assert_close(sphere.fields(21)[0], FILL - (x**2 + y**2 + z**2).sqrt(), atol=2e-3, rtol=0)
    flat = round_cell(0.5)
    inside = (x**2 + y**2 + (z / 0.5) ** 2).sqrt() < FILL
    assert bool(((flat.fields(21)[0] > 0) == inside).float().mean() > 0.995)


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), aspect=st.floats(0.4, 2.2))
def test_every_shape_is_centred_as_large_and_as_tall_as_asked(seed: int, aspect: float) -> None:
    shapes = some(seed, aspect=(aspect, aspect))
    extent = shapes.extent[0]
    assert float(extent[2] / extent[:2].max()) == pytest.approx(aspect, rel=0.15)
    assert JITTER[0] * 2 * FILL - 1e-4 <= float(extent.max()) <= JITTER[1] * 2 * FILL + 1e-4
    field = shapes.fields(48)[0]
    assert box(field) == pytest.approx(extent.tolist(), abs=0.09)
    for axis in range(3):
        along = torch.nonzero((field > 0).movedim(axis, 0).flatten(1).any(dim=1))
        assert int(along[0] + along[-1]) == pytest.approx(47, abs=2)
    assert all(float(face.max()) < 0 for axis in range(3) for face in (field.select(axis, 0), field.select(axis, -1)))


def test_most_shapes_are_as_tall_as_asked_to_a_hundredth() -> None:
    shapes = some(*range(40), aspect=(1.5, 1.5))
    found = shapes.extent[:, 2] / shapes.extent[:, :2].amax(dim=1)
    assert float((found / 1.5 - 1).abs().median()) < 0.01


def test_one_surface_is_read_on_any_grid() -> None:
    shapes, c = some(5), pixel_centres(32)
    cube = shapes.fields(32)[0]
    torch.testing.assert_close(shapes.on_grid(c[4:9], c[::3], c[16:]), cube[4:9, ::3, 16:])


def test_the_field_is_the_distance_along_the_ray() -> None:
    shapes = some(3)
    centre, field = shapes.centre[0], shapes.fields(32)[0]
    c = pixel_centres(32)
    z, y, x = (int(i) for i in torch.nonzero(field > 0)[0])
    ray = torch.tensor([c[x], c[y], c[z]]) - centre
    surface = centre + ray * (1 + field[z, y, x] / ray.norm())
    finer = shapes.fields(128)[0]
    at = [int(((value + 1) * 64).clamp(0, 127)) for value in surface]
    assert abs(float(finer[at[2], at[1], at[0]])) < 0.03


def test_a_shape_depends_on_its_own_generator_alone() -> None:
    together, alone = some(5, 6, 7), some(6)
    torch.testing.assert_close(together.coefficients[1], alone.coefficients[0], rtol=0, atol=0)
    torch.testing.assert_close(together.fields(16)[1], alone.fields(16)[0], rtol=0, atol=1e-6)
