import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from raysynth.surfaces.neus import SdfNetworks, SineCosine, gradient_loss, log_transmittance, mask_loss

CENTRE = torch.tensor([[0.1, 0.0, -0.1], [0.0, 0.2, 0.0], [0.0, 0.0, 0.0]])
RADII = torch.tensor([[0.3, 0.5, 0.8], [0.6, 0.6, 0.2], [0.5, 0.5, 0.5]])


def fresh(count: int = 2) -> SdfNetworks:
    return SdfNetworks(CENTRE[:count], torch.diag_embed(1 / RADII[:count]), 8, 2, torch.Generator().manual_seed(0))


def networks(count: int = 2) -> SdfNetworks:
    """Networks that are no longer ellipsoids, each its own."""
    stack = fresh(count)
    rng = torch.Generator().manual_seed(1)
    for weight in stack.parameters():
        weight.data += 0.3 * torch.randn(weight.shape, generator=rng)
    return stack


def points(count: int = 2, p: int = 40, seed: int = 2) -> Tensor:
    return torch.rand(count, p, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_networks_start_as_the_cells_own_ellipsoids() -> None:
    directions = torch.nn.functional.normalize(points(3), dim=-1)
    surface = CENTRE[:, None] + directions * RADII[:, None]
    stack = fresh(3)
    _, distance, gradient = stack.linearise(surface)
    normals = torch.nn.functional.normalize(directions / RADII[:, None], dim=-1)
    torch.testing.assert_close(distance, torch.zeros_like(distance), atol=1e-5, rtol=0)
    torch.testing.assert_close(gradient, normals, atol=1e-4, rtol=0)
    assert float(stack(surface).detach().abs().max()) < 0.1


def test_each_cell_has_its_own_network() -> None:
    stack, x = networks(), points(1).expand(2, -1, -1)
    both = stack(x)
    assert not torch.allclose(both[0], both[1])
    for cell in range(2):
        torch.testing.assert_close(stack.select(cell)(x[:1])[0], both[cell])


def test_the_written_out_gradient_is_autograds() -> None:
    stack, x = networks(), points().requires_grad_()
    sdf = stack(x)
    (expected,) = torch.autograd.grad(sdf.sum(), x)
    again, gradient = stack.with_gradient(*stack.linearise(x.detach()))
    torch.testing.assert_close(again, sdf)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


def test_sine_and_cosine_have_their_own_gradients() -> None:
    angle = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SineCosine.apply, angle)


@given(st.lists(st.floats(0.01, 0.3), min_size=1, max_size=6), st.floats(-0.5, 0.2), st.floats(10.0, 90.0))
def test_the_deepest_point_gives_the_product_of_neus(falls: list[float], least: float, s: float) -> None:
    f = least + torch.tensor([2.0, *falls, 0.0], dtype=torch.float64).flip(0).cumsum(0).flip(0)
    f = torch.cat([f, f[:-1].flip(0)])  # and out again: a rising run has no opacity
    phi = torch.sigmoid(s * f)
    alpha = ((phi[:-1] - phi[1:]) / phi[:-1]).clamp(min=0)  # Eq. 13
    actual = log_transmittance(f.min(), torch.tensor(s, dtype=torch.float64)).exp()
    torch.testing.assert_close(actual, (1 - alpha).prod(), rtol=1e-4, atol=1e-12)


def test_mask_loss_is_the_cross_entropy_of_the_opacity() -> None:
    transmittance = torch.tensor([[0.2, 0.9, 0.5]])
    inside = torch.tensor([[True, False, True]])
    expected = torch.nn.functional.binary_cross_entropy(1 - transmittance, inside.float())
    torch.testing.assert_close(mask_loss(transmittance.log(), inside)[0], expected)


@pytest.mark.parametrize("distance", [0.01, 0.5, 1.5])
def test_a_ray_that_misses_a_cell_it_should_hit_is_pulled_in(distance: float) -> None:
    sdf = torch.full((1, 1), distance, requires_grad=True)
    mask_loss(log_transmittance(sdf, torch.tensor([[40.0]])), torch.tensor([[True]])).sum().backward()
    assert sdf.grad is not None
    assert 15 < float(sdf.grad) < 41


def test_gradients_follow_the_outline_or_have_unit_length() -> None:
    gradient = torch.tensor([[[0.0, 0.0, 2.0]]]).expand(1, 3, 3)
    normal = torch.tensor([[[0.0, 1.0, 0.0]]]).expand(1, 3, 3)
    along, unit, deep = (
        gradient_loss(gradient, normal, torch.tensor([[known]]).expand(1, 3), torch.tensor([[inside]]).expand(1, 3))
        for known, inside in ((True, True), (False, False), (False, True))
    )
    assert (along.item(), unit.item(), deep.item()) == (5.0, 1.0, 0.0)
