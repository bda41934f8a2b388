import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.arrays import Mask
from raysynth.cascade.framing import draw_height_um, frame_mask, view_along_z
from raysynth.config import ShapesConfig
from raysynth.geometry.stars import FILL
from raysynth.preparation.quantiles import Quantiles
from raysynth.preparation.statistics import CellSizes


def sizes(heights: tuple[float, ...] = (), widths: tuple[float, ...] = ()) -> CellSizes:
    some = Quantiles(values=(1.0, 2.0))
    return CellSizes(
        size=some,
        area_px=some,
        solidity=some,
        intensity=some,
        relative_intensity=some,
        heights_um=heights,
        widths_um=widths,
    )


def disc(radius: float, side: int = 48) -> Mask:
    y, x = np.mgrid[:side, :side]
    return np.asarray((y - side / 2) ** 2 + (x - side / 2) ** 2 <= radius**2)


@given(st.floats(2, 40), st.integers(0, 1000))
def test_heights_are_the_real_ones_or_in_the_configured_ratio(width_um: float, seed: int) -> None:
    shapes = ShapesConfig(axial_ratio=(0.5, 2.0))
    rng = np.random.default_rng(seed)
    for known, low, high in ((sizes(), 0.5, 2.0), (sizes((30.0, 10.0, 1.0), (10.0, 10.0, 10.0)), 0.1, 3.0)):
        ratio = draw_height_um(rng, width_um, known, shapes) / width_um
        assert ratio == pytest.approx(np.clip(ratio, low, high))


def test_a_height_follows_real_cells_of_that_width() -> None:
    known = sizes((20.0,) * 60 + (5.0,) * 60, (10.0,) * 60 + (25.0,) * 60)
    drawn = draw_height_um(np.random.default_rng(0), 10.0, known, ShapesConfig(axial_ratio=(0.1, 3.0)))
    assert drawn == pytest.approx(20.0)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 2.5])
def test_width_and_height_both_fill_the_cube(ratio: float) -> None:
    shapes = ShapesConfig(axial_ratio=(ratio, ratio))
    framed = frame_mask(np.random.default_rng(0), disc(10), 0.5, sizes(), shapes)
    z, y, x = framed.half_um
    assert 21 * 0.5 / x == pytest.approx(2 * FILL, rel=0.02)
    assert z / x == pytest.approx(ratio, rel=0.05)
    assert y == x


def test_the_conditioning_view_is_the_mask_at_the_cubes_scale() -> None:
    shapes = ShapesConfig(axial_ratio=(0.3, 0.3))
    framed = frame_mask(np.random.default_rng(0), disc(14), 0.8, sizes(), shapes)
    view = view_along_z(framed, 0.8, 32, 4.0)
    assert view.shape == (32, 32)
    assert float((view > 0).sum()) == pytest.approx(np.pi * (FILL * 16) ** 2, rel=0.05)
    # Centred: the same outline from both ends.
    np.testing.assert_allclose(view.numpy(), view.numpy()[::-1, ::-1], atol=0.1)
