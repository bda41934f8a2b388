import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from raysynth.config import ShapesConfig
from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.outlines import outlines, soft_views
from raysynth.geometry.silhouettes import iou, project
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import draw_stars, framed

CAMERAS = layout("spread", 7)
PLAIN = Spectrum.plain(ShapesConfig(max_degree=6, power=0.2))


def test_a_sphere_is_a_disc_from_everywhere() -> None:
    sphere = framed(torch.zeros(1, 9), torch.ones(1), torch.tensor([0.7]))
    torch.testing.assert_close(outlines(sphere, CAMERAS), torch.full((1, 7, 128), 0.7), atol=2e-3, rtol=0)
    v, u = torch.meshgrid(pixel_centres(32), pixel_centres(32), indexing="ij")
    expected = ((0.7 - (u**2 + v**2).sqrt()) * 16 / 4).clamp(-1, 1)
    torch.testing.assert_close(soft_views(sphere, CAMERAS, 32, 4.0), expected.expand(1, 7, -1, -1), atol=0.02, rtol=0)


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), aspect=st.floats(0.5, 2.0))
def test_views_are_what_marched_rays_see(seed: int, aspect: float) -> None:
    shapes = draw_stars([np.random.default_rng(seed)], PLAIN, (aspect, aspect))
    marched = project(shapes.fields(64), CAMERAS, 48, 96) > 0
    assert float(iou(soft_views(shapes, CAMERAS, 48, 4.0) > 0, marched).min()) > 0.97


def test_soft_views_are_distances_to_the_outline() -> None:
    shapes = draw_stars([np.random.default_rng(s) for s in range(3)], Spectrum.plain(ShapesConfig(max_degree=6)))
    soft = soft_views(shapes, CAMERAS, 64, 8.0).flatten(0, 1).numpy()
    for view in soft:
        inside = view > 0
        distance = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
        expected = np.clip((distance - np.where(inside, 0.5, -0.5)) / 8, -1, 1)
        assert np.abs(view - expected).mean() < 0.03
