import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.silhouettes import rays
from raysynth.models.feature_volume import BackProjection, Frustums, SparseMap, interpolation

CAMERAS = layout("spread", 5)


def noise(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


@given(seed=st.integers(0, 1000), side=st.integers(2, 9), dimensions=st.sampled_from([2, 3]))
def test_interpolation_is_exact_on_linear_functions(seed: int, side: int, dimensions: int) -> None:
    rng = np.random.default_rng(seed)
    points = torch.from_numpy(rng.uniform(-1, 1, (20, dimensions)).astype(np.float32))
    slope = torch.from_numpy(rng.standard_normal(dimensions).astype(np.float32))
    # Meshgrid runs its last axis fastest, interpolation its first coordinate.
    grid = torch.stack(torch.meshgrid(*[pixel_centres(side)] * dimensions, indexing="ij"), dim=-1).flip(-1)
    indices, weights = interpolation(points, side)
    found = ((grid @ slope).flatten()[indices] * weights).sum(dim=1)
    inside = points.clamp(1 / side - 1, 1 - 1 / side)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(20))
    torch.testing.assert_close(found, inside @ slope, atol=1e-5, rtol=1e-4)


def test_a_sparse_map_and_its_gradient_are_those_of_its_matrix() -> None:
    dense = noise(6, 4) * (noise(6, 4) > 0)
    rows = noise(4, 3).requires_grad_()
    result = SparseMap(dense.to_sparse())(rows)
    torch.testing.assert_close(result, dense @ rows)
    (gradient,) = torch.autograd.grad((result * noise(6, 3)).sum(), rows)
    torch.testing.assert_close(gradient, dense.T @ noise(6, 3))


def test_back_projection_is_the_mean_and_spread_of_what_the_views_show() -> None:
    views, side, volume = noise(2, 5, 3, 8, 8), 8, 6
    c = pixel_centres(volume)
    z, y, x = torch.meshgrid(c, c, c, indexing="ij")
    seen_at = torch.einsum("vj,nkj->nvk", torch.stack([x, y, z], dim=-1).reshape(-1, 3), CAMERAS[:, :2])

    def seen(features: Tensor) -> Tensor:
        points = seen_at[:, None, None].expand(-1, 2, -1, -1, -1)
        pairs = zip(features.unbind(1), points, strict=True)
        each = [F.grid_sample(view, at, padding_mode="border", align_corners=False) for view, at in pairs]
        return torch.stack(each).mean(dim=0).reshape(2, 3, volume, volume, volume)

    mean, spread = BackProjection(CAMERAS, side, volume)(views).chunk(2, dim=1)
    torch.testing.assert_close(mean, seen(views), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(spread.square(), seen(views.square()) - seen(views).square(), atol=1e-4, rtol=1e-3)


def test_views_that_agree_have_no_spread() -> None:
    mean, spread = BackProjection(CAMERAS, 8, 4)(torch.full((1, 5, 2, 8, 8), 0.7)).chunk(2, dim=1)
    torch.testing.assert_close(mean, torch.full_like(mean, 0.7))
    assert float(spread.max()) < 0.01


def test_frustums_are_the_volume_along_each_ray() -> None:
    volume = noise(2, 3, 6, 6, 6)
    points = rays(CAMERAS, 4, 5).reshape(1, 5 * 5, 4, 4, 3).expand(2, -1, -1, -1, -1)
    expected = F.grid_sample(volume, points, padding_mode="border", align_corners=False)
    found = Frustums(CAMERAS, 4, 6, 5)(volume)
    torch.testing.assert_close(found, expected.reshape(2, 3, 5, 5, 4, 4).transpose(1, 2), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("module", [BackProjection(CAMERAS, 8, 4), Frustums(CAMERAS, 8, 4, 4)])
def test_constants_are_rebuilt_and_not_stored(module: torch.nn.Module) -> None:
    assert module.state_dict() == {}
