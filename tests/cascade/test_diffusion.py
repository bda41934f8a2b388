import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysynth.cascade.diffusion import ddim, noise_and_time, padded_batches, per_sample_loss, schedule


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
def test_padded_batches_keep_order_and_shape(items: list[int], size: int) -> None:
    batches = list(padded_batches(items, size))
    assert all(len(batch) == size for batch, _ in batches)
    assert [item for batch, count in batches for item in batch[:count]] == items


def test_ddim_with_a_perfect_network_returns_the_image() -> None:
    scheduler = schedule()
    image = torch.linspace(-1, 1, 16).reshape(1, 1, 4, 4)
    noise = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))

    def velocity(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        alpha = scheduler.alphas_cumprod[t].reshape(-1, 1, 1, 1)
        implied = (x_t - alpha.sqrt() * image) / (1 - alpha).sqrt()
        return alpha.sqrt() * implied - (1 - alpha).sqrt() * image

    torch.testing.assert_close(ddim(velocity, noise, scheduler, 10), image, atol=1e-3, rtol=0)


def test_the_loss_of_the_exact_velocity_is_zero() -> None:
    scheduler = schedule()
    x0 = torch.rand(3, 1, 4, 4)
    noise, t = noise_and_time([np.random.default_rng(i) for i in range(3)], 1, 4, 4)
    exact = scheduler.get_velocity(x0, noise, t)
    assert per_sample_loss(scheduler, exact, x0, noise, t).max() == 0
    assert per_sample_loss(scheduler, exact + 1, x0, noise, t).allclose(torch.ones(3))


def test_noise_and_time_depend_on_each_samples_own_generator() -> None:
    both, times = noise_and_time([np.random.default_rng(i) for i in (3, 4)], 2, 2)
    alone, time = noise_and_time([np.random.default_rng(4)], 2, 2)
    assert torch.equal(both[1], alone[0])
    assert times[1] == time[0]
