"""The diffusion process that all three models share: schedule, v-objective, deterministic sampler.

Zero terminal signal-to-noise (Lin 2024) lets the models set the mean of an image, which a soft mask's size and a
texture's brightness depend on; it asks for v-prediction (Salimans & Ho 2022).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from diffusers import DDIMScheduler
from numpy.random import Generator
from torch import Tensor

from raysynth.base.seeds import normal

T = TypeVar("T")
TIMESTEPS = 1000


def schedule() -> DDIMScheduler:
    """The noise schedule of every model trained from scratch."""
    return DDIMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
        clip_sample=False,
    )


def noise_and_time(rngs: Sequence[Generator], *shape: int, steps: int = TIMESTEPS) -> tuple[Tensor, Tensor]:
    """One noise map `(n, *shape)` and one timestep `(n,)` for each sample's own generator."""
    t = torch.tensor([int(rng.integers(steps)) for rng in rngs])
    return torch.stack([normal(rng, *shape) for rng in rngs]), t


def per_sample_loss(scheduler: DDIMScheduler, predicted: Tensor, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Squared error of the scheduler's own prediction target, `(n,)`."""
    velocity = scheduler.config.prediction_type == "v_prediction"
    target = scheduler.get_velocity(x0, noise, t) if velocity else noise
    return (predicted.float() - target).square().flatten(1).mean(dim=1)


@torch.no_grad()
def denoise(
    predict: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    scheduler: DDIMScheduler,
    steps: int,
    spacing: float = 1.0,
    order: int = 1,
) -> Tensor:
    """From `x_T` = noise `(n, c, h, w)` to `x_0` by a deterministic solver of the given order.

    predict: from `x_t` and the timesteps `(n,)` to the network's output, velocity or noise as the scheduler says.
    spacing: the i-th of n timesteps lies at (i / n)^spacing of the whole. Above 1 more of them lie where little noise
    is left: camera noise, the finest part of a texture, is decided there, and even steps lose a third of it.
    order: 1 is DDIM with eta = 0 (Song 2021); 2 is DPM-Solver++(2M) (Lu 2022), which extrapolates `x_0` from the last
    two steps. At zero terminal signal-to-noise its first step is DDIM's, as its last one always is.
    """
    alpha_bar = scheduler.alphas_cumprod.to(noise.device)
    velocity = scheduler.config.prediction_type == "v_prediction"
    x_t, x_0, previous, h_previous = noise, noise, None, torch.inf
    times = timesteps(len(alpha_bar), steps, spacing)
    for t, following in zip(times, [*times[1:], None], strict=True):
        alpha, sigma = alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()
        output = predict(x_t, torch.full((len(x_t),), t, device=noise.device))
        x_0 = alpha * x_t - sigma * output if velocity else (x_t - sigma * output) / alpha
        if following is None:
            break
        alpha_next, sigma_next = alpha_bar[following].sqrt(), (1 - alpha_bar[following]).sqrt()
        h = float(torch.log(alpha_next / sigma_next) - torch.log(alpha / sigma))
        target = x_0
        if order == 2 and previous is not None and h_previous < torch.inf:
            target = x_0 + h / (2 * h_previous) * (x_0 - previous)
        x_t = sigma_next / sigma * x_t + (alpha_next - alpha * sigma_next / sigma) * target
        previous, h_previous = x_0, h
    return x_0


def timesteps(total: int, steps: int, spacing: float) -> list[int]:
    """The timesteps of a sampler from the noisiest down, spaced as `denoise` says."""
    return [max(round(total * (i / steps) ** spacing) - 1, 0) for i in range(steps, 0, -1)]
