"""Compare image codecs: how well autoencoders and folded pixels rebuild crops that they have not seen.

    python -m bench autoencoders CONFIG ... [--steps 600]

For each config (`raysynth prepare` it first): trains the autoencoder of factor 2 and of factor 4 on the training crops.
Gives PSNR on the validation crops (unit range) and the fraction of their granularity that is left inside the cells.
Pixels folded into channels, the default, are measured in the same way. Writes `bench/results/autoencoders.json`.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.common.environment import save_result
from bench.common.prepared import load_prepared
from bench.common.suite import described
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.measures import morphology
from raysynth.models.image_codecs import ImageCodec, LearnedCodec, PixelFolding
from raysynth.models.signed_distance import as_batch
from raysynth.preparation.prepared import Crops, Prepared
from raysynth.train.codec import AutoencoderTask
from raysynth.train.loop import Trainer

_SHOWN = 200


@torch.no_grad()
def _losses(stage: ImageCodec, crops: Crops) -> dict[str, float]:
    """Measure PSNR and the granularity that is left, on evenly spaced crops."""
    rows = np.linspace(0, len(crops.images) - 1, _SHOWN).round().astype(int)
    images, masks = np.asarray(crops.images[rows], np.float32), np.asarray(crops.masks[rows])
    batches = np.array_split(as_batch(images).numpy() * 2 - 1, 10)
    again = np.concatenate([stage.decode(stage.encode(torch.from_numpy(batch))).numpy() for batch in batches])
    again = (again[:, 0] + 1) / 2
    grains = [morphology.crop_metrics(x, masks)["granularity"].mean() for x in (images, again)]
    error = float(np.square(again - images).mean())
    return {"psnr_db": float(-10 * np.log10(max(error, 1e-12))), "granularity_kept": float(grains[1] / grains[0])}


def _learned(config: Config, prepared: Prepared, factor: int, steps: int) -> tuple[LearnedCodec, float]:
    """Train an autoencoder on the config's crops; return it and the seconds it took."""
    task = AutoencoderTask(prepared, factor)
    update: dict[str, Any] = {
        "steps": steps,
        "checkpoint_every": steps,
        "sample_every": steps,
        "batch": 8,
        "threads": 1,
    }
    update |= {"precision": "bf16"}  # of all configs: accelerate keeps one precision a process
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        torch.manual_seed(0)
        Trainer(task, config.texture.train.with_(**update), place, "cpu").fit()
    return LearnedCodec(task.model.eval()), time.perf_counter() - start


def main() -> None:
    """Measure every config named on the command line."""
    parser = described(__doc__)
    parser.add_argument("configs", nargs="+", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    for path in options.configs:
        config = load(path)
        prepared = load_prepared(config)
        crops = prepared.validation
        fold = config.texture.fold(crops.side_px)
        rows = results[config.name] = {
            "side_px": crops.side_px,
            f"folded {fold}x{fold}": _losses(PixelFolding(fold), crops),
        }
        for factor in (2, 4):
            stage, seconds = _learned(config, prepared, factor, options.steps)
            rows[f"autoencoder {factor}"] = _losses(stage, crops) | {"seconds": seconds}
        print(config.name, rows, flush=True)
        save_result("autoencoders", results)
