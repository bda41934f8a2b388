import pytest
import torch
from torch import Tensor

from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.silhouettes import project, soft_masks
from raysynth.surfaces.neus import SdfNetworks
from raysynth.surfaces.rays import Rays, Silhouettes, deepest, ellipsoids

CAMERAS = layout("spread", 8)
BALL = 0.6
RAYS = 200


def ellipsoid(x_radius: float, y_radius: float, z_radius: float, x_centre: float = 0.0, side: int = 48) -> Tensor:
    zs, ys, xs = torch.meshgrid(*[pixel_centres(side)] * 3, indexing="ij")
    scaled = ((zs / z_radius) ** 2 + (ys / y_radius) ** 2 + ((xs - x_centre) / x_radius) ** 2).sqrt()
    return (1 - scaled) * min(x_radius, y_radius, z_radius)


def masks(*fields: Tensor) -> Tensor:
    return soft_masks(project(torch.stack(fields), CAMERAS, 32, 48), 4.0)


def drawn(seen: Tensor, number: int = 0) -> Rays:
    return Silhouettes(seen, CAMERAS, SurfaceConfig(rays=RAYS), draws=2).draw(number)


def test_rays_know_how_far_they_pass_a_ball_and_which_way_it_faces() -> None:
    rays = drawn(masks(ellipsoid(BALL, BALL, BALL)))
    beside = rays.origin - (rays.origin * rays.direction).sum(dim=-1, keepdim=True) * rays.direction
    expected = beside.norm(dim=-1) - BALL
    assert rays.known.float().mean() > 0.9
    torch.testing.assert_close(rays.distance[rays.known], expected[rays.known], atol=0.02, rtol=0)
    facing = (rays.normal * torch.nn.functional.normalize(beside, dim=-1)).sum(dim=-1)
    assert float(facing[rays.known].min()) > 0.98
    sure = expected.abs() > 0.02
    assert ((expected < 0) == rays.inside)[sure].all()


def test_most_rays_pass_within_a_pixel_of_an_outline_and_view_0_has_more() -> None:
    rays = drawn(masks(ellipsoid(BALL, BALL, BALL)))
    assert (rays.distance.abs() < 2 / 32).float().mean() > 0.7
    along_z = (rays.direction[..., 2] > 0.999).float().mean()
    assert float(along_z) == pytest.approx(3 / (3 + len(CAMERAS) - 1), abs=0.05)


def test_rays_depend_on_their_number_and_the_cells_own_masks_alone() -> None:
    one, other = (ellipsoid(BALL, BALL, 0.3), ellipsoid(0.4, BALL, BALL))
    alone, together = drawn(masks(one)), drawn(masks(one, other))
    assert torch.equal(alone.origin[0], together.origin[0])
    assert torch.equal(alone.offset, together.offset)
    assert not torch.equal(alone.origin, drawn(masks(one), number=1).origin)


def test_ellipsoids_have_the_cells_own_size_and_place() -> None:
    centre, frame = ellipsoids(masks(ellipsoid(0.4, 0.7, 0.3, x_centre=0.2)), CAMERAS)
    torch.testing.assert_close(centre[0], torch.tensor([0.2, 0.0, 0.0]), atol=0.02, rtol=0)
    torch.testing.assert_close(1 / frame[0].diagonal(), torch.tensor([0.4, 0.7, 0.3]), atol=0.05, rtol=0)


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_cell_that_is_nowhere_or_everywhere_has_an_ellipsoid_too(value: float) -> None:
    centre, frame = ellipsoids(torch.full((1, 8, 16, 16), value), CAMERAS)
    assert centre.isfinite().all()
    assert frame.isfinite().all()


def test_the_deepest_point_of_a_ray_is_where_it_passes_nearest() -> None:
    # A fresh network is its ellipsoid, but for a little.
    seen = masks(ellipsoid(BALL, BALL, BALL))
    networks = SdfNetworks(torch.zeros(1, 3), torch.eye(3)[None] / BALL, 4, 2, torch.Generator().manual_seed(0))
    networks.weights[-1].data.zero_()
    rays = drawn(seen)
    points = deepest(networks, rays, 10)
    nearest = rays.origin - (rays.origin * rays.direction).sum(dim=-1, keepdim=True) * rays.direction
    torch.testing.assert_close(points, nearest, atol=0.03, rtol=0)
    torch.testing.assert_close(networks(points), nearest.norm(dim=-1) - BALL, atol=2e-3, rtol=0)
