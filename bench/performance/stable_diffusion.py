"""Measure what a Stable Diffusion start costs: parameters, memory and time of a training step, speed of sampling.

    python -m bench stable_diffusion [--device cpu|cuda] [--size full|tiny] [--steps 10]

The architecture of Stable Diffusion 1.5 with random weights, in float32: nothing is downloaded, and neither cost
depends on the weights. Training: 256 px, batch 1, each case in a process of its own, for its peak of memory (CPU: the
process's largest resident size, libraries included; CUDA: what torch allocated). Seconds on a CPU are core seconds of
one thread. A case that the free memory cannot hold is named and left out. Sampling: seconds of one denoiser call and of
one decoding. Images per second are computed from those times and the number of calls, hence named projected: `--steps`
calls on one image here, 50 calls on two (with and without the prompt) for guided DDIM. Writes
`bench/results/stable_diffusion.json`.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from bench.common.environment import save_result
from bench.common.paths import ROOT
from bench.common.suite import described
from raysynth.config import TrainConfig
from raysynth.models.diffusion import per_sample_loss
from raysynth.models.stable_diffusion import assemble
from raysynth.models.texture import TextureModel
from raysynth.train.optimizers import build_optimizer

_UNETS: dict[str, dict[str, Any]] = {
    "full": {"block_out_channels": (320, 640, 1280, 1280), "cross_attention_dim": 768, "attention_head_dim": 8},
    "tiny": {
        "block_out_channels": (16, 32, 32, 32),
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    },
}
_VAES: dict[str, dict[str, Any]] = {
    "full": {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2},
    "tiny": {"block_out_channels": (8, 8, 16, 16), "norm_num_groups": 4},
}
_TOKENS = 77
_TRAINING_PX = 256
_SAMPLING_PX = (256, 512)
_GUIDED_STEPS = 50
_TIMED_CALLS = 3
_GIB = 2**30
_CASES = [(optimizer, saving) for optimizer in ("adafactor", "adamw") for saving in (True, False)]
# Values of state that a trained weight needs, and GiB for libraries, activations and other programs: to tell what fits.
_STATES = {"adafactor": 0.6, "adamw": 2.0}
_BESIDE_GIB = 3.0


def _build(size: str, device: str, gradient_checkpointing: bool = False) -> TextureModel:
    """Build the model as a Stable Diffusion start assembles it, with random weights."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(sample_size=64, **_UNETS[size])
    down, up = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4
    vae = AutoencoderKL(down_block_types=down, up_block_types=up, scaling_factor=0.18215, **_VAES[size])
    scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False)
    context = torch.randn(1, _TOKENS, _UNETS[size]["cross_attention_dim"])
    return assemble(unet, vae, scheduler, context, gradient_checkpointing).to(device)


def _train_two_steps(size: str, device: str, optimizer_name: str, gradient_checkpointing: bool) -> dict[str, float]:
    """Measure peak GiB and seconds of the second step: the first one allocates the optimiser's state."""
    model = _build(size, device, gradient_checkpointing).train()
    optimizer = build_optimizer(model.parameters(), TrainConfig(optimizer=optimizer_name, learning_rate=1e-5))
    seconds = 0.0
    for _ in range(2):
        seconds = _timed(lambda: _train_step(model, optimizer), device)
    state = sum(v.numel() * v.element_size() for s in optimizer.state.values() for v in s.values())
    return {"peak_gib": _peak_gib(device), "seconds_a_step": seconds, "optimizer_state_gib": state / _GIB}


def _train_step(model: TextureModel, optimizer: torch.optim.Optimizer) -> None:
    """Take one optimisation step as `raysynth.train` does, at batch 1."""
    device = next(model.parameters()).device
    image, control = torch.rand(1, 1, _TRAINING_PX, _TRAINING_PX), torch.rand(1, 3, _TRAINING_PX, _TRAINING_PX)
    x0 = model.codec.encode(image.to(device) * 2 - 1)
    noise, t = torch.randn_like(x0), torch.randint(1000, (1,), device=device)
    predicted = model(model.scheduler.add_noise(x0, noise, t), t, control.to(device))
    per_sample_loss(model.scheduler, predicted, x0, noise, t).mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def _peak_gib(device: str) -> float:
    """Read the largest memory of this process so far, of the GPU where it runs there."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / _GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _GIB


def _timed(call: Callable[[], object], device: str) -> float:
    """Time a call: on a CPU the seconds of the one core it uses, whatever else runs beside it."""
    if device == "cpu":
        start = time.process_time()
        call()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.no_grad()
def _sampling(model: TextureModel, side: int, steps: int, device: str) -> dict[str, float]:
    """Time a denoiser call on one image and on a guided pair, and a decoding; rates follow from them."""

    def call(n: int) -> Callable[[], object]:
        x_t, t = torch.randn(n, *model.encoded_shape(side), device=device), torch.full((n,), 500, device=device)
        control = torch.rand(n, 3, side, side, device=device)
        return lambda: model(x_t, t, control)

    encoded = torch.randn(1, *model.encoded_shape(side), device=device)
    one, pair = (_median_seconds(call(n), device) for n in (1, 2))
    decode = _timed(lambda: model.codec.decode(encoded), device)
    here, guided = steps * one + decode, _GUIDED_STEPS * pair + decode
    return {
        "seconds_a_call": one,
        "seconds_a_guided_call": pair,
        "seconds_a_decoding": decode,
        f"projected_images_per_second_{steps}_steps": 1 / here,
        f"projected_images_per_second_guided_ddim_{_GUIDED_STEPS}": 1 / guided,
        "projected_speedup": guided / here,
    }


def _median_seconds(call: Callable[[], object], device: str) -> float:
    """Compute the median of a few timed calls."""
    return statistics.median(_timed(call, device) for _ in range(_TIMED_CALLS))


def _count_parameters(model: TextureModel) -> dict[str, float]:
    """Count the millions of parameters of each part, and of all those that train."""
    parts = {"unet": model.unet, "controlnet": model.controlnet, "vae": model.get_submodule("codec.vae")}
    counts = {f"{name}_million": sum(p.numel() for p in part.parameters()) / 1e6 for name, part in parts.items()}
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad) / 1e6
    return counts | {"trained_million": trained, "frozen_million": sum(counts.values()) - trained}


def _training(counts: dict[str, float], options: argparse.Namespace) -> dict[str, Any]:
    """Train every case in a fresh process, where the free memory holds it."""
    results: dict[str, Any] = {}
    for optimizer, saving in _CASES:
        name = f"{optimizer}{'_gradient_checkpointing' if saving else ''}"
        trained = counts["trained_million"]
        values = trained * (2 + _STATES[optimizer]) + counts["frozen_million"]
        needed, free = values * 4e6 / _GIB + _BESIDE_GIB, _free_gib(options.device)
        if needed > free:
            results[name] = {
                "left_out": f"needs about {needed:.1f} GiB with {_BESIDE_GIB} to spare, {free:.1f} GiB were free"
            }
        else:
            results[name] = _in_new_process(options, optimizer, saving)
        print(name, results[name], flush=True)
    return results


def _free_gib(device: str) -> float:
    """Read the memory that a new process may take."""
    return (torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available) / _GIB


def _in_new_process(options: argparse.Namespace, optimizer: str, saving: bool) -> dict[str, Any]:
    """Run one training case; return what its last line says, or why there is none."""
    command = [
        sys.executable,
        "-m",
        "bench",
        "stable_diffusion",
        "--device",
        options.device,
        "--size",
        options.size,
        "--case",
        optimizer,
    ]
    done = subprocess.run(command + ["--saving"] * saving, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        return {"failed": f"exit code {done.returncode}: {(done.stderr.strip() or 'killed').splitlines()[-1]}"}
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


def main() -> None:
    """Measure everything, or the one training case that `--case` names."""
    parser = described(__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", choices=sorted(_UNETS), default="full")
    parser.add_argument("--steps", type=int, default=10, help="denoiser calls per image in our setting")
    parser.add_argument("--case", choices=sorted(_STATES), help=argparse.SUPPRESS)
    parser.add_argument("--saving", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.case:
        print(json.dumps(_train_two_steps(options.size, options.device, options.case, options.saving)))
        return
    # Training comes first: this process must not hold a model beside its children's.
    with torch.device("meta"):
        counts = _count_parameters(_build(options.size, "meta"))
    results: dict[str, Any] = {"size": options.size, "device": options.device, "parameters": counts}
    results["training_256_px_batch_1"] = _training(counts, options)
    model = _build(options.size, options.device).eval()
    for side in _SAMPLING_PX:
        results[f"sampling_{side}_px"] = _sampling(model, side, options.steps, options.device)
        print(side, results[f"sampling_{side}_px"], flush=True)
    save_result("stable_diffusion" if options.size == "full" else f"stable_diffusion_{options.size}", results)
