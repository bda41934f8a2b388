"""The diffusion process that all three models share: noise schedule, objective, deterministic sampler.

At time t an image x_0 is mixed with noise ε:

    x_t = α_t x_0 + σ_t ε,    α_t² + σ_t² = 1,    α_t² = the schedule's `alphas_cumprod` at t.

The schedule ends without any signal, α_T = 0 (zero terminal signal-to-noise, Lin 2024). Sampling starts from pure
noise, and so training must see it too: else a network never learns to set the mean of an image, which a mask's size and
a texture's brightness depend on. Where α = 0, predicted noise says nothing of x_0. The networks predict the velocity
instead (Salimans & Ho 2022):

    v = α_t ε - σ_t x_0,    and so    x_0 = α_t x_t - σ_t v,

which is well defined at both ends.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from diffusers import DDIMScheduler
from numpy.random import Generator
from torch import Tensor, nn

from raysynth.base.seeds import normal

TIMESTEPS = 1000
"""Timesteps of the schedule."""


def schedule() -> DDIMScheduler:
    """Make the noise schedule of every model that is trained from scratch.

    Returns
    -------
    DDIMScheduler
        Cosine schedule with zero terminal signal-to-noise, for velocities.
    """
    return DDIMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        # `denoise` reads neither spacing nor clipping: both are for stock pipelines that open a saved model.
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
        # Encoded textures of unit spread reach beyond [-1, 1]: clipping x_0 would cut off their brightest pixels.
        clip_sample=False,
    )


def noise_and_time(rngs: Sequence[Generator], *shape: int, steps: int = TIMESTEPS) -> tuple[Tensor, Tensor]:
    """Draw the noise and the timestep of each training sample from its own generator.

    Parameters
    ----------
    rngs
        One generator per sample.
    *shape
        Shape of one sample's noise, for example channels, height and width.
    steps
        Timesteps to draw from.

    Returns
    -------
    tuple of Tensor
        Standard normal noise `(n, *shape)`, and timesteps `(n,)` from 0 to `steps - 1`; on the CPU.
    """
    # The timestep before the noise. The other order would change every batch, and with it all trained weights.
    t = torch.tensor([int(rng.integers(steps)) for rng in rngs])
    return torch.stack([normal(rng, *shape) for rng in rngs]), t


def per_sample_loss(scheduler: DDIMScheduler, predicted: Tensor, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Compare a prediction with the schedule's own target: the velocity, or the noise.

    Parameters
    ----------
    scheduler
        The noise schedule.
    predicted
        Output of the network `(n, ...)`.
    x0, noise
        Clean samples and their noise, of the same shape.
    t
        Timesteps `(n,)`.

    Returns
    -------
    Tensor
        Mean squared error of each sample `(n,)`.
    """
    velocity = scheduler.config.prediction_type == "v_prediction"
    target = scheduler.get_velocity(x0, noise, t) if velocity else noise
    # In float32: under autocast a prediction may be in half precision, which has too few digits for a mean of squares.
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
    """Turn noise into samples by a deterministic solver.

    Parameters
    ----------
    predict
        From `x_t` and the timesteps `(n,)` to the network's output: velocity or noise, as the scheduler says.
    noise
        Standard normal `x_T`, `(n, c, h, w)`.
    scheduler
        The schedule that the network was trained with.
    steps
        Evaluations of the network.
    spacing
        The i-th of n timesteps lies at (i / n)^spacing of the whole. Above 1 more of them lie where little noise is
        left. Camera noise, the finest part of a texture, is decided there: even steps lose a third of it.
    order
        1 is DDIM with eta = 0 (Song 2021); 2 is DPM-Solver++(2M) (Lu 2022).

    Returns
    -------
    Tensor
        `x_0`, of the shape of `noise`.

    Notes
    -----
    With λ = log(α / σ), the probability flow from time t to time s is solved exactly by

        x_s = σ_s / σ_t · x_t + σ_s ∫ e^λ x_0(λ) dλ,    λ from λ_t to λ_s,

    where x_0(λ) is what the network makes of x_λ. With x_0 constant over the step the integral is
    (α_s / σ_s - α_t / σ_t) x_0, which is DDIM:

        x_s = σ_s / σ_t · x_t + (α_s - α_t σ_s / σ_t) x_0.

    The second order takes x_0 from the middle of the step instead. It is extrapolated linearly in λ from the last two
    evaluations: x_0 + h / (2 h_previous) (x_0 - x_0,previous), where h = λ_s - λ_t. At zero terminal signal-to-noise
    the first step is infinitely long in λ. There, as in the last step, this falls back to DDIM.
    """
    alpha_bar = scheduler.alphas_cumprod.to(noise.device)
    velocity = scheduler.config.prediction_type == "v_prediction"
    x_t, x_0, previous, h_previous = noise, noise, None, torch.inf
    times = timesteps(len(alpha_bar), steps, spacing)
    for t, following in zip(times, [*times[1:], None], strict=True):
        alpha, sigma = alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()
        output = predict(x_t, torch.full((len(x_t),), t, device=noise.device))
        # Schedules of predicted noise, those of Stable Diffusion, end above α = 0, so dividing by it is safe.
        x_0 = alpha * x_t - sigma * output if velocity else (x_t - sigma * output) / alpha
        # The last step ends at α = 1 and σ = 0, where the update gives x_0 itself.
        if following is None:
            break
        alpha_next, sigma_next = alpha_bar[following].sqrt(), (1 - alpha_bar[following]).sqrt()
        # Infinite where α = 0. The step after that must not extrapolate: its x_0 is infinitely far away in λ.
        h = float(torch.log(alpha_next / sigma_next) - torch.log(alpha / sigma))
        target = x_0
        if order == 2 and previous is not None and h_previous < torch.inf:
            target = x_0 + h / (2 * h_previous) * (x_0 - previous)
        x_t = sigma_next / sigma * x_t + (alpha_next - alpha * sigma_next / sigma) * target
        previous, h_previous = x_0, h
    return x_0


def timesteps(total: int, steps: int, spacing: float) -> list[int]:
    """Choose the timesteps of a sampler.

    Parameters
    ----------
    total
        Timesteps of the schedule.
    steps
        How many are chosen.
    spacing
        The i-th of n lies at (i / n)^spacing of the whole.

    Returns
    -------
    list of int
        The timesteps, the noisiest first.
    """
    # A large spacing rounds the last positions to 0. The floor keeps them from -1, which would index the noisiest.
    return [max(round(total * (i / steps) ** spacing) - 1, 0) for i in range(steps, 0, -1)]


def save_network(folder: Path, network: nn.Module, scheduler: DDIMScheduler) -> None:
    """Write a network in half precision and its noise schedule, in diffusers' own form.

    Parameters
    ----------
    folder
        The model's folder in a bundle.
    network
        A model of diffusers; its weights here are rounded to half precision, too.
    scheduler
        The noise schedule.
    """
    half = network.half()
    half.save_pretrained(folder)  # type: ignore[operator]
    scheduler.save_pretrained(folder)
