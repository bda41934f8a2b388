import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

from raysynth.models.diffusion import denoise, noise_and_time, per_sample_loss, schedule


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_a_perfect_network_returns_the_image(spacing: float, order: int) -> None:
    scheduler = schedule()
    image = torch.linspace(-1, 1, 16).reshape(1, 1, 4, 4)
    noise = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))

    def velocity(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        alpha = scheduler.alphas_cumprod[t].reshape(-1, 1, 1, 1)
        implied = (x_t - alpha.sqrt() * image) / (1 - alpha).sqrt()
        return alpha.sqrt() * implied - (1 - alpha).sqrt() * image

    torch.testing.assert_close(denoise(velocity, noise, scheduler, 10, spacing, order), image, atol=1e-3, rtol=0)


@pytest.mark.parametrize("prediction", ["v_prediction", "epsilon"])
def test_the_first_order_agrees_with_diffusers(prediction: str) -> None:
    # Zero terminal SNR leaves no image to recover from predicted noise: only velocity goes with it.
    rescaled = prediction == "v_prediction"
    scheduler = DDIMScheduler.from_config(
        schedule().config, prediction_type=prediction, rescale_betas_zero_snr=rescaled, set_alpha_to_one=True
    )
    noise = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    scheduler.set_timesteps(8)
    x_t = noise
    for t in scheduler.timesteps:
        x_t = scheduler.step(x_t.sin(), t, x_t, eta=0.0).prev_sample
    torch.testing.assert_close(denoise(lambda x, t: x.sin(), noise, scheduler, 8), x_t, atol=1e-4, rtol=1e-4)


def test_the_second_order_agrees_with_diffusers() -> None:
    config = dict(schedule().config) | {"rescale_betas_zero_snr": False}  # diffusers puts a small signal there instead
    multistep = DPMSolverMultistepScheduler.from_config(config, algorithm_type="dpmsolver++", use_lu_lambdas=False)
    noise = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    multistep.set_timesteps(8)
    x_t = noise
    for t in multistep.timesteps:
        x_t = multistep.step(x_t.sin(), t, x_t).prev_sample
    ours = denoise(lambda x, t: x.sin(), noise, DDIMScheduler.from_config(config), 8, order=2)
    torch.testing.assert_close(ours, x_t, atol=1e-4, rtol=1e-4)


def test_the_second_order_is_closer_to_many_small_steps() -> None:
    noise = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(1))

    def velocity(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """The exact one for images drawn from a normal distribution of mean 0.5 and deviation 0.3."""
        alpha, sigma = (s.reshape(-1, 1, 1, 1) for s in (abar[t].sqrt(), (1 - abar[t]).sqrt()))
        x_0 = 0.5 + 0.09 * alpha / (0.09 * alpha**2 + sigma**2) * (x_t - 0.5 * alpha)
        return (alpha * x_t - x_0) / sigma

    abar = schedule().alphas_cumprod
    exact = denoise(velocity, noise, schedule(), 500)
    first, second = (
        float((denoise(velocity, noise, schedule(), 8, 2.0, order) - exact).abs().max()) for order in (1, 2)
    )
    assert second < 0.5 * first


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
