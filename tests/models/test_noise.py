import numpy as np
import pytest
import torch

from raysynth.models.noise import slice_noise


@pytest.mark.parametrize("rho", [0.0, 0.7, 3.0])
def test_variance_is_one_and_slices_correlate_as_eq_2_says(rho: float) -> None:
    noise = slice_noise(np.random.default_rng(1), 6, rho, 4, 64, 64).flatten(1)
    # 16384 values a slice: a correlation's standard error is at most 1 / sqrt(16384) = 0.008.
    assert noise.var(dim=1).sub(1).abs().max() < 0.05
    correlation = torch.corrcoef(noise)[~torch.eye(6, dtype=torch.bool)]
    assert (correlation - rho**2 / (1 + rho**2)).abs().max() < 0.04


def test_noise_is_a_function_of_the_generator_alone() -> None:
    again = [slice_noise(np.random.default_rng(5), 3, 0.7, 1, 4, 4) for _ in range(2)]
    assert torch.equal(*again)
