"""Find how few steps do: quality of textures against steps, for DDIM, DPM-Solver++(2M) and UniPC.

    python -m bench solvers BUNDLE=CONFIG --weights FILE [--crops 500]

Paints the masks, heights and brightness of real validation crops under each setting, all from the same noise. Compares
with the same real crops: KID and FID from Inception features, granularity inside the cell, adherence. Each setting's
excess KID is over DDIM with 50 steps, with its standard error. Textures per second of one core are measured in the same
run, one setting after the other, by the process's own time, which other jobs do not lengthen. UniPC is diffusers' own.
Needs `raysynth prepare` of the config. Writes `bench/results/solvers-<bundle>.json`.
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from bench.common.environment import save_result
from bench.common.prepared import load_prepared
from bench.common.suite import described
from raysynth.base.arrays import Floats, Mask
from raysynth.base.sampling import equal_batches
from raysynth.base.seeds import Stage, generator, normal
from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.config.reading import load
from raysynth.data.splits import split_frames
from raysynth.measures import morphology
from raysynth.measures.adherence import adherence
from raysynth.measures.fidelity import compare_features
from raysynth.measures.inception import Inception
from raysynth.measures.tiles import fixed_map, to_bytes
from raysynth.models.diffusion import denoise
from raysynth.models.painting import Slice, texture_condition
from raysynth.models.texture import TextureModel
from raysynth.train.crop_samples import crop_slice

_SEED = 2
_REFERENCE = ("ddim", 50, 1.0)
_SETTINGS = (
    _REFERENCE,
    ("dpm++", 9, 2.0),
    ("dpm++", 9, 2.4),
    ("dpm++", 8, 2.4),
    ("ddim", 10, 2.0),
    ("dpm++", 10, 2.0),
    ("dpm++", 8, 2.0),
    ("unipc", 10, 1.0),
)
"""Solver, steps, spacing (UniPC: diffusers' trailing steps)."""

_Crops = list[tuple[Slice, Tensor]]


@torch.no_grad()
def _paint(
    model: TextureModel, crops: _Crops, setting: tuple[str, int, float], batch: int, truncation_px: float
) -> Any:
    """Paint textures `(n, side, side)` in [0, 1] under one setting."""
    solver, steps, spacing = setting
    painted = []
    for part, count in equal_batches(crops, batch):
        seen = texture_condition([one for one, _ in part], truncation_px)
        x_T = torch.stack([noise for _, noise in part])
        predict = partial(_predict, model, seen)
        if solver == "unipc":
            x_0 = _unipc(predict, x_T, model, steps)
        else:
            x_0 = denoise(predict, x_T, model.scheduler, steps, spacing, 2 if solver == "dpm++" else 1)
        painted.append(((model.codec.decode(x_0)[:count, 0] + 1) / 2).clamp(0, 1).numpy())
    return np.concatenate(painted)


def _predict(model: TextureModel, seen: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    return model(x_t, t, seen)


def _unipc(predict: Any, x_t: Tensor, model: TextureModel, steps: int) -> Tensor:
    """Run UniPC (Zhao 2023) of diffusers on the model's own schedule."""
    scheduler = UniPCMultistepScheduler.from_config(model.scheduler.config)
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        x_t = scheduler.step(predict(x_t, torch.full((len(x_t),), int(t))), t, x_t).prev_sample
    return x_t


def _crop_metrics(images: Floats, masks: Mask) -> dict[str, float]:
    """Compute mean granularity and adherence of crops in grey values."""
    table = morphology.crop_metrics(images, masks)
    return {"granularity": float(table["granularity"].mean()), "adherence": float(adherence(images, masks).mean())}


def main() -> None:
    """Measure one bundle."""
    parser = described(__doc__)
    parser.add_argument("bundle", help="bundle=config.yaml")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--crops", type=int, default=500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    name, path = options.bundle.split("=")
    bundle = open_bundle(name)
    config = resolve(load(Path(path)), bundle.info)
    model, inception = bundle.texture.eval(), Inception(options.weights)
    unit = bundle.info.statistics.intensity
    fixed = fixed_map([frame.read().image for frame in split_frames(config.data).train])
    crops = load_prepared(config).validation
    rng = generator(_SEED, 0, Stage.EVALUATION, 0)
    rows = rng.choice(len(crops.images), 2 * options.crops, replace=2 * options.crops > len(crops.images))
    half, again = np.sort(rows[: options.crops]), np.sort(rows[options.crops :])
    masks = np.asarray(crops.masks[half])
    real = [unit.from_unit(crops.images[r]) for r in (half, again)]
    real_features = [inception.features(to_bytes(grey, fixed)) for grey in real]
    slices = [crop_slice(crops, int(i)) for i in half]
    shape = model.encoded_shape(crops.side_px)
    pairs = [(one, normal(generator(_SEED, 1, Stage.TEXTURE, i), *shape)) for i, one in enumerate(slices)]
    results: dict[str, Any] = {"weights": inception.name, "real": _crop_metrics(real[0], masks), "settings": {}}
    reference: Tensor | None = None
    for setting in _SETTINGS:
        start = time.process_time()
        painted = _paint(model, pairs, setting, config.texture.batch, config.masks.truncation_px)
        seconds = time.process_time() - start
        grey = unit.from_unit(painted)
        features = inception.features(to_bytes(grey, fixed))
        reference = features if reference is None else reference
        # Real crops of other cells: no pair is alike by its mask.
        row = compare_features(real_features[1], reference, features)
        key = f"{setting[0]} {setting[1]} spacing {setting[2]:g}"
        results["settings"][key] = {
            "textures_per_second": options.crops / seconds,
            "kid": row.kid,
            "kid_over_reference": row.excess,
            "error": row.error,
            "fid": row.fid,
            **_crop_metrics(grey, masks),
        }
        print(key, {k: round(v, 5) for k, v in results["settings"][key].items()}, flush=True)
    save_result(f"solvers-{bundle.info.name}", results)
