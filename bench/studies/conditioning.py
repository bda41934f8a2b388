"""Compare two ways for the mask to enter a UNet that starts untrained: concatenated, or through control blocks.

    python -m bench conditioning [--config configs/nuclei-2d.yaml] [--steps 600]

Trains both with equal data, noise and steps (no autoencoder, so that nothing else differs), and compares the adherence
of their textures on 96 validation masks along the way. Needs `raysynth prepare` of the config. Writes
`bench/results/conditioning.json`.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from bench.common.environment import save_result
from bench.common.prepared import load_prepared
from bench.common.suite import described
from raysynth.base.seeds import Stage, generator, normal
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.measures.adherence import adherence
from raysynth.models.painting import paint
from raysynth.preparation.prepared import Prepared
from raysynth.train.crop_samples import draw_crops
from raysynth.train.loop import Trainer
from raysynth.train.texture import TextureTask

_SHOWN = 96


def _painted_adherence(task: TextureTask, config: Config) -> dict[str, float]:
    """Measure the mean adherence of textures by the averaged weights on fixed validation masks; real crops beside."""
    rngs = [generator(1, 0, Stage.EVALUATION, i) for i in range(_SHOWN)]
    images, slices = draw_crops(task.validation, rngs)
    masks = np.stack([one.mask for one in slices])
    noise = [normal(rng, *task.texture.encoded_shape(task.side_px)) for rng in rngs]
    painted = np.stack(paint(task.texture.eval(), slices, noise, config.texture, config.masks.truncation_px))
    real = (images[:, 0].numpy() + 1) / 2
    return {"adherence": float(adherence(painted, masks).mean()), "real": float(adherence(real, masks).mean())}


def _train(config: Config, prepared: Prepared, folder: str, stops: list[int]) -> list[dict[str, float]]:
    """Measure after each of `stops` steps; every stretch resumes from the last one's checkpoint."""
    rows = []
    for stop in stops:
        torch.manual_seed(0)
        task = TextureTask(prepared, config.texture, config.masks.truncation_px, folder, "cpu")
        start = time.perf_counter()
        Trainer(task, config.texture.train, folder, "cpu").fit(stop_at=stop)
        rows.append({"steps": stop, "seconds": time.perf_counter() - start} | _painted_adherence(task, config))
        print(config.texture.conditioning, rows[-1], flush=True)
    return rows


def main() -> None:
    """Train and compare both."""
    parser = described(__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/nuclei-2d.yaml"))
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    stops = [options.steps // 3, 2 * options.steps // 3, options.steps]
    common = ["texture.autoencoder=1", f"texture.train.steps={options.steps}", "texture.train.threads=1"]
    common += [f"texture.train.checkpoint_every={options.steps}", f"texture.train.sample_every={options.steps}"]
    results = {}
    for conditioning in ("concat", "control"):
        config = load(options.config, [*common, f"texture.conditioning={conditioning}"])
        with tempfile.TemporaryDirectory() as folder:
            results[conditioning] = _train(config, load_prepared(config), folder, stops)
    save_result("conditioning", results)
