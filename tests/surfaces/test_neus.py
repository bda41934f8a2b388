import torch
from torch import Tensor

from raysynth.surfaces.neus import SdfNetworks, SineCosine

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
