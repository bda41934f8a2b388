import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysynth.cascade.neus import SdfNetworks, eikonal_loss, log_transmittance, mask_loss, turning_points


def networks(count: int = 2) -> SdfNetworks:
    """Networks that are no longer spheres, each its own."""
    stack = SdfNetworks(count, 8, torch.Generator().manual_seed(0))
    rng = torch.Generator().manual_seed(1)
    for weight in stack.parameters():
        weight.data += 0.3 * torch.randn(weight.shape, generator=rng)
    return stack


def points(count: int = 2, p: int = 40, seed: int = 2) -> torch.Tensor:
    return torch.rand(count, p, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_all_networks_start_as_the_same_sphere() -> None:
    stack = SdfNetworks(3, 32, torch.Generator().manual_seed(0), radius=0.4)
    x = points(3)
    torch.testing.assert_close(stack(x), x.norm(dim=-1) - 0.4, atol=0.02, rtol=0)
    assert bool((eikonal_loss(stack.gradient(x)) < 1e-3).all())


def test_each_cell_has_its_own_network() -> None:
    stack, x = networks(), points(1).expand(2, -1, -1)
    both = stack(x)
    assert not torch.allclose(both[0], both[1])
    for cell in range(2):
        torch.testing.assert_close(stack.select(cell)(x[:1])[0], both[cell])


def test_the_written_out_gradient_is_autograds() -> None:
    stack, x = networks(), points().requires_grad_()
    (expected,) = torch.autograd.grad(stack(x).sum(), x)
    torch.testing.assert_close(stack.gradient(x), expected, rtol=1e-4, atol=1e-5)


def test_turning_points_of_a_ray_through_two_bodies() -> None:
    sdf = torch.tensor([0.5, 0.2, -0.1, 0.1, 0.3, -0.2, -0.3, 0.4])
    assert turning_points(sdf).tolist() == [-1, 0, 1, 0, -1, 0, 1, 0]


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=12), st.floats(1.0, 40.0))
def test_turning_points_give_the_product_of_neus(sdf: list[float], s: float) -> None:
    f = torch.tensor(sdf, dtype=torch.float64)
    phi = torch.sigmoid(s * f)
    alpha = ((phi[:-1] - phi[1:]) / phi[:-1]).clamp(min=0)  # Eq. 13
    expected = (1 - alpha).prod()
    actual = log_transmittance(f, turning_points(f), torch.tensor(s, dtype=torch.float64)).exp()
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-12)


def test_other_samples_have_no_gradient() -> None:
    sdf = torch.tensor([[0.5, 0.2, -0.1, 0.1, 0.3]], requires_grad=True)
    log_transmittance(sdf, turning_points(sdf.detach()), torch.tensor(10.0)).sum().backward()
    assert sdf.grad is not None
    assert (sdf.grad != 0).tolist() == [[True, False, True, False, False]]


def test_mask_loss_is_the_cross_entropy_of_the_opacity() -> None:
    transmittance = torch.tensor([[0.2, 0.9, 0.5]])
    inside = torch.tensor([[True, False, True]])
    expected = torch.nn.functional.binary_cross_entropy(1 - transmittance, inside.float())
    torch.testing.assert_close(mask_loss(transmittance.log(), inside)[0], expected)


@pytest.mark.parametrize("distance", [0.01, 0.5, 1.5])
def test_a_ray_that_misses_a_cell_it_should_hit_is_pulled_in(distance: float) -> None:
    sdf = torch.full((1, 1, 1), distance, requires_grad=True)
    log_t = log_transmittance(sdf, torch.ones(1, 1, 1), torch.tensor(40.0))
    mask_loss(log_t, torch.tensor([[True]])).sum().backward()
    assert sdf.grad is not None
    assert 15 < float(sdf.grad) < 41
