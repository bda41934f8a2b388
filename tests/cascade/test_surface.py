import pytest
import torch
from torch import Tensor

from raysynth.cascade.surface import Surfaces, fit
from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.silhouettes import project, soft_masks

CAMERAS = layout("spread", 6)
QUICK = SurfaceConfig(steps=12, rays=48, samples=8, hidden=8)
SIDE = 24


def ellipsoid(z: float, y: float, x: float) -> Tensor:
    """Field `(side, side, side)` of an ellipsoid with these radii."""
    zs, ys, xs = torch.meshgrid(*[pixel_centres(SIDE)] * 3, indexing="ij")
    return 1 - ((zs / z) ** 2 + (ys / y) ** 2 + (xs / x) ** 2).sqrt()


def seen(fields: list[Tensor], side: int = 16) -> Tensor:
    return soft_masks(project(torch.stack(fields), CAMERAS, side, SIDE), 2.0)


def weights(surfaces: Surfaces, cell: int) -> list[Tensor]:
    return list(surfaces.networks.select(cell).state_dict().values())


def test_fitted_surfaces_fill_the_shapes_they_were_seen_as() -> None:
    truth = [ellipsoid(0.3, 0.7, 0.6), ellipsoid(0.8, 0.4, 0.5)]
    surfaces = fit(seen(truth), CAMERAS, SurfaceConfig(steps=120, rays=128, samples=16, hidden=16))
    assert len(surfaces) == 2
    for field, shape in zip(surfaces.fields(SIDE), truth, strict=True):
        both, either = (field > 0) & (shape > 0), (field > 0) | (shape > 0)
        assert both.sum() / either.sum() > 0.85


def test_a_cell_does_not_depend_on_its_neighbours() -> None:
    flat, tall, round_ = ellipsoid(0.3, 0.7, 0.6), ellipsoid(0.8, 0.4, 0.4), ellipsoid(0.5, 0.5, 0.5)
    one, other = (fit(seen([flat, neighbour]), CAMERAS, QUICK) for neighbour in (tall, round_))
    assert all(torch.equal(a, b) for a, b in zip(weights(one, 0), weights(other, 0), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(weights(one, 1), weights(other, 1), strict=True))


def test_the_same_views_give_the_same_bits() -> None:
    views = seen([ellipsoid(0.3, 0.7, 0.6)])
    assert all(map(torch.equal, weights(fit(views, CAMERAS, QUICK), 0), weights(fit(views, CAMERAS, QUICK), 0)))


def test_finer_conditioning_takes_the_place_of_view_0() -> None:
    views = seen([ellipsoid(0.4, 0.6, 0.6)])
    finer = seen([ellipsoid(0.4, 0.6, 0.6)], side=32)[:, 0]
    blank = views.clone()
    blank[:, 0] = -1.0
    expected, actual = (fit(v, CAMERAS, QUICK, finer) for v in (views, blank))
    assert all(map(torch.equal, weights(actual, 0), weights(expected, 0)))
    assert not torch.equal(weights(fit(views, CAMERAS, QUICK), 0)[0], weights(actual, 0)[0])


def test_any_grid_is_the_network_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    surfaces = fit(seen([ellipsoid(0.3, 0.7, 0.6)] * 2), CAMERAS, QUICK)
    z, y, x = torch.linspace(-0.5, 0.5, 3), torch.linspace(-1, 1, 5), torch.linspace(-0.9, 0.3, 7)
    whole = surfaces.on_grid(1, z, y, x)
    assert whole.shape == (3, 5, 7)
    point = torch.tensor([x[6], y[3], z[2]])
    expected = -surfaces.networks(point.expand(2, 1, 3))[1, 0]
    torch.testing.assert_close(whole[2, 3, 6], expected)
    monkeypatch.setattr("raysynth.cascade.surface._CHUNK", 4)
    torch.testing.assert_close(surfaces.on_grid(1, z, y, x), whole)
