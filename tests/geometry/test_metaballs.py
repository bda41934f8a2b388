import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.metaballs import BALLS, Metaballs, draw_metaballs
from raysynth.geometry.silhouettes import iou, project
from raysynth.geometry.stars import FILL, JITTER

CAMERAS = layout("spread", 7)


def generators(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


def test_one_ball_is_a_sphere() -> None:
    radii = torch.full((1, BALLS), 1e-2)
    radii[0, 0] = 0.6
    z, y, x = torch.meshgrid(*[pixel_centres(24)] * 3, indexing="ij")
    field = Metaballs(torch.zeros(1, BALLS, 3), radii, torch.ones(1, 3)).fields(24)[0]
    assert torch.equal(field > 0, x**2 + y**2 + z**2 < 0.36)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), bent=st.sampled_from([True, False, None]))
def test_every_body_is_centred_and_fills_the_cube(seed: int, bent: bool | None) -> None:
    bodies = draw_metaballs(generators(seed), bent)
    inside = bodies.fields(64)[0] > 0
    assert JITTER[0] * 2 * FILL - 0.01 <= float(bodies.extent.max()) <= JITTER[1] * 2 * FILL + 0.01
    for axis, extent in zip((2, 1, 0), bodies.extent[0].tolist(), strict=True):
        along = np.flatnonzero(inside.numpy().any(axis=tuple({0, 1, 2} - {axis})))
        assert len(along) * 2 / 64 == pytest.approx(extent, abs=0.05)
        assert along[0] + along[-1] == pytest.approx(63, abs=2)


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_views_are_what_marched_rays_see(seed: int) -> None:
    bodies = draw_metaballs(generators(seed))
    marched = project(bodies.fields(64), CAMERAS, 32, 64) > 0
    assert float(iou(bodies.soft_views(CAMERAS, 32, 4.0) > 0, marched).min()) > 0.96


@pytest.mark.parametrize("bent", [True, False])
def test_the_family_has_true_concavities(bent: bool) -> None:
    bodies = draw_metaballs(generators(*range(12)), bent).fields(48).numpy() > 0
    solidity = [regionprops(body.astype(np.uint8))[0].solidity for body in bodies]
    assert min(solidity) < 0.85


def test_a_body_depends_on_its_generator_alone() -> None:
    together, alone = draw_metaballs(generators(1, 2, 3)), draw_metaballs(generators(2))
    torch.testing.assert_close(together.centres[1], alone.centres[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(together.height[1], alone.height[0], atol=1e-6, rtol=0)
