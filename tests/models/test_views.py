from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.models.diffusion import schedule
from raysynth.models.views import MultiViewModel, sample_views

SIZES: dict[str, Any] = {"count": 4, "side": 16, "fold": 2, "volume": 8, "channels": (8, 16), "volume_channels": 8}


@pytest.fixture(scope="module")
def model() -> MultiViewModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MultiViewModel(**SIZES)
    for name, weight in model.named_parameters():
        if name.endswith("conv2.weight"):  # zeros at first: give every residual branch a say
            torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return model.eval()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def inputs(batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Noisy views, timesteps, a disc as condition, heights."""
    v, u = torch.meshgrid(*[pixel_centres(16)] * 2, indexing="ij")
    disc = ((0.6 - (u**2 + v**2).sqrt()) * 2).clamp(-1, 1).expand(batch, 1, 16, 16)
    return noise(batch, 4, 16, 16), torch.arange(batch) * 300 + 10, disc, torch.linspace(0.6, 1.7, batch)


@torch.no_grad()
def test_cells_of_a_batch_do_not_mix(model: MultiViewModel) -> None:
    together = model(*inputs(3))
    assert together.shape == (3, 4, 16, 16)
    alone = model(*[part[1:2] for part in inputs(3)])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_views_of_a_cell_do_mix(model: MultiViewModel) -> None:
    x_t, *rest = inputs(1)
    changed = x_t.clone()
    changed[:, 3] += 1.0
    difference = (model(changed, *rest) - model(x_t, *rest)).abs().amax(dim=(0, 2, 3))
    assert (difference > 1e-6).all()


@torch.no_grad()
@pytest.mark.parametrize("which", [1, 2, 3])
def test_every_condition_reaches_the_output(model: MultiViewModel, which: int) -> None:
    before = inputs(1)
    after = list(before)
    after[which] = -before[which] if which == 2 else before[which] + 1
    assert float((model(*after) - model(*before)).abs().max()) > 1e-5


def test_the_prism_is_the_mask_between_bottom_and_top(model: MultiViewModel) -> None:
    _, _, condition, _ = inputs(1)
    mask, slab, prism = model.prism(condition, torch.tensor([1.0]))[0]
    inside = pixel_centres(8).abs() < 0.5
    assert torch.equal(slab[:, 0, 0] > 0, inside)
    assert torch.equal(prism > 0, (mask > 0) & inside[:, None, None])
    assert torch.equal(mask[0], mask[-1])


@torch.no_grad()
def test_fine_views_are_folded_to_the_same_features() -> None:
    coarse, fine = MultiViewModel(**SIZES), MultiViewModel(**(SIZES | {"side": 32, "fold": 4}))
    x_t, t, condition, heights = inputs(2)
    larger = [F.interpolate(part, scale_factor=2.0) for part in (x_t, condition)]
    assert fine(larger[0], t, larger[1], heights).shape == (2, 4, 32, 32)
    assert fine.frustums.shape == coarse.frustums.shape


@pytest.mark.parametrize("channels", [(8,), (8, 8, 16)])
def test_any_number_of_levels(channels: tuple[int, ...]) -> None:
    model = MultiViewModel(**(SIZES | {"channels": channels, "layout": "ring"}))
    assert torch.equal(model.cameras, layout("ring", 4))
    assert model(*inputs(2)).shape == (2, 4, 16, 16)


def test_a_step_trains_every_weight() -> None:
    model = MultiViewModel(**SIZES)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(2):  # residual branches end in zeros, so some gradients start with the second step
        optimiser.zero_grad()
        model(*inputs(2)).square().mean().backward()
        optimiser.step()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_sampling_keeps_the_known_view_and_repeats(model: MultiViewModel) -> None:
    x_t, _, condition, heights = inputs(2)
    first, again = (sample_views(model, condition, heights, x_t, schedule(), steps=3) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first[:, :1], condition)
    assert float(first.abs().max()) <= 1
    assert not torch.equal(
        first, sample_views(model, condition, heights, noise(2, 4, 16, 16, seed=1), schedule(), steps=3)
    )


@torch.no_grad()
def test_saved_and_opened_again(model: MultiViewModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    assert (tmp_path / "diffusion_pytorch_model.safetensors").is_file()
    opened = MultiViewModel.from_pretrained(tmp_path).eval()
    assert torch.equal(opened(*inputs(2)), model(*inputs(2)))
