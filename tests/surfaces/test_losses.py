"""The opacity of NeuS at the deepest point, and the two terms that a surface is fitted by."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysynth.surfaces.losses import gradient_loss, log_transmittance, mask_loss


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
