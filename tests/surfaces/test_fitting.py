import pytest
import torch
from torch import Tensor

from raysynth.base.errors import InputError
from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.silhouettes import project, soft_masks
from raysynth.surfaces.fitting import Surfaces, bytes_per_cell, fit_surfaces

CAMERAS = layout("spread", 6)
QUICK = SurfaceConfig(steps=12, rays=48, samples=8, hidden=8, batch=2)
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
    surfaces = fit_surfaces(seen(truth), CAMERAS, SurfaceConfig(steps=60, batch=2))
    assert len(surfaces) == 2
    for field, shape in zip(surfaces.fields(SIDE), truth, strict=True):
        both, either = (field > 0) & (shape > 0), (field > 0) | (shape > 0)
        assert both.sum() / either.sum() > 0.95


def test_a_cell_does_not_depend_on_its_neighbours() -> None:
    flat, tall, round_ = ellipsoid(0.3, 0.7, 0.6), ellipsoid(0.8, 0.4, 0.4), ellipsoid(0.5, 0.5, 0.5)
    one, other = (fit_surfaces(seen([flat, neighbour]), CAMERAS, QUICK) for neighbour in (tall, round_))
    assert all(torch.equal(a, b) for a, b in zip(weights(one, 0), weights(other, 0), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(weights(one, 1), weights(other, 1), strict=True))


def test_the_same_views_give_the_same_bits() -> None:
    views = seen([ellipsoid(0.3, 0.7, 0.6)])
    assert all(
        map(
            torch.equal,
            weights(fit_surfaces(views, CAMERAS, QUICK), 0),
            weights(fit_surfaces(views, CAMERAS, QUICK), 0),
        )
    )


def test_any_number_of_cells_is_fitted_in_equal_batches() -> None:
    views = seen([ellipsoid(0.3, 0.7, 0.6), ellipsoid(0.8, 0.4, 0.4), ellipsoid(0.5, 0.5, 0.5)])
    settings = QUICK.with_(batch=2)
    together, first, last = (fit_surfaces(views[cells], CAMERAS, settings) for cells in ([0, 1, 2], [0, 1], [2, 2]))
    assert len(together) == 3
    for place, (alone, cell) in enumerate([(first, 0), (first, 1), (last, 0)]):
        assert all(map(torch.equal, weights(together, place), weights(alone, cell)))


def test_views_that_agree_on_nothing_give_a_finite_surface() -> None:
    assert fit_surfaces(torch.full((1, 6, 16, 16), -1.0), CAMERAS, QUICK).fields(8).isfinite().all()


def test_a_batch_beyond_the_memory_is_refused_with_the_largest_that_fits() -> None:
    views = seen([ellipsoid(0.3, 0.7, 0.6)])
    most = int(5 * 2**20 / bytes_per_cell(QUICK, 6, 16))
    with pytest.raises(InputError, match=f"surface.batch {most + 1} needs 6 MiB .* at most {most} "):
        fit_surfaces(views, CAMERAS, QUICK.with_(memory_mb=5.0, batch=most + 1))
    assert len(fit_surfaces(views, CAMERAS, QUICK.with_(memory_mb=5.0, batch=most, steps=1))) == 1


def test_a_finer_or_wider_fit_takes_more_memory() -> None:
    least = bytes_per_cell(QUICK, 16, 32)
    wider = QUICK.with_(hidden=64, rays=4096)
    assert least < min(bytes_per_cell(QUICK, 16, 64), bytes_per_cell(QUICK, 32, 32), bytes_per_cell(wider, 16, 32))


def test_any_grid_is_the_network_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    surfaces = fit_surfaces(seen([ellipsoid(0.3, 0.7, 0.6)] * 2), CAMERAS, QUICK)
    z, y, x = torch.linspace(-0.5, 0.5, 3), torch.linspace(-1, 1, 5), torch.linspace(-0.9, 0.3, 7)
    whole = surfaces.on_grid(1, z, y, x)
    assert whole.shape == (3, 5, 7)
    point = torch.tensor([x[6], y[3], z[2]])
    expected = -surfaces.networks(point.expand(2, 1, 3))[1, 0]
    torch.testing.assert_close(whole[2, 3, 6], expected)
    monkeypatch.setattr("raysynth.surfaces.fitting._CHUNK", 4)
    torch.testing.assert_close(surfaces.on_grid(1, z, y, x), whole)


def test_fields_of_all_cells_are_those_of_each() -> None:
    surfaces = fit_surfaces(seen([ellipsoid(0.3, 0.7, 0.6), ellipsoid(0.8, 0.4, 0.4)]), CAMERAS, QUICK)
    centres = pixel_centres(9)
    each = torch.stack([surfaces.on_grid(cell, centres, centres, centres) for cell in range(2)])
    torch.testing.assert_close(surfaces.fields(9), each)
