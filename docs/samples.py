"""Pictures of what the trained models make, for docs/training.md: loss curves, sample grids, a blind test.

    python docs/samples.py BUNDLE=CONFIG ...

Curves and grids are those that the trainings left in the workspace (TensorBoard); the blind test mixes real validation
crops with new synthetic ones in an order drawn at random, the answers in a second picture. Writes `docs/images/`.
"""

import io
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.cascade import Cascade
from raysynth.cascade.synthetic import synthetic_crops
from raysynth.config import Config
from raysynth.seeds import Stage, generator
from raysynth.settings import load
from raysynth.train.crops import load_crops
from raysynth.train.run import models_of, storage_of

IMAGES = Path(__file__).parent / "images"
SHOWN, COLUMNS, SEED, WINDOW = 40, 10, 6, 25
Crops = NDArray[np.float32]


def events(config: Config, model: str) -> list[EventAccumulator]:
    """The event files of one training, in order."""
    files = sorted(Path(storage_of(config, model), "tensorboard").glob("events.*"))  # type: ignore[arg-type]
    readers = [EventAccumulator(str(file), size_guidance={"scalars": 0, "images": 0}) for file in files]
    return [reader.Reload() for reader in readers]


def scalars(readers: list[EventAccumulator], tag: str) -> tuple[list[int], list[float]]:
    """Steps and values of a tag, a later file's in place of an earlier one's."""
    found = {e.step: e.value for r in readers if tag in r.Tags()["scalars"] for e in r.Scalars(tag)}
    return sorted(found), [found[step] for step in sorted(found)]


def curves(config: Config) -> None:
    """Loss of every model against steps: a running mean, and the values beneath it."""
    models = models_of(config)
    figure, panels = plt.subplots(1, len(models), figsize=(4 * len(models), 2.6), squeeze=False)
    for axes, model in zip(panels[0], models, strict=True):
        steps, loss = scalars(events(config, model), "loss")
        smooth = np.convolve(loss, np.ones(WINDOW) / WINDOW, "valid")
        axes.semilogy(steps, loss, linewidth=0.3, alpha=0.5)
        axes.semilogy(steps[WINDOW - 1 :], smooth)
        axes.set(title=f"{config.name}: {model}", xlabel="step", ylabel="loss")
    figure.tight_layout()
    figure.savefig(IMAGES / f"losses-{config.name}.png", dpi=90)


def grids(config: Config) -> None:
    """The last sample grid of every model."""
    for model in models_of(config):
        shown = [r.Images("samples")[-1] for r in events(config, model) if "samples" in r.Tags()["images"]]
        picture = Image.open(io.BytesIO(shown[-1].encoded_image_string))
        picture.save(IMAGES / f"samples-{config.name}-{model}.png", optimize=True)


def mosaic(crops: Crops, marked: NDArray[np.bool_] | None = None) -> Image.Image:
    """Crops `(n, side, side)` in [0, 1] in rows of `COLUMNS`; a green frame around the marked ones."""
    bytes_ = (255 * np.clip(crops, 0, 1)).astype(np.uint8)
    framed = np.repeat(np.pad(bytes_, ((0, 0), (2, 2), (2, 2)))[..., None], 3, axis=-1)
    if marked is not None:
        edge = np.ones(framed.shape[1:3], bool)
        edge[2:-2, 2:-2] = False
        framed[marked] = np.where(edge[..., None], np.array([0, 200, 0], np.uint8), framed[marked])
    rows = framed.reshape(-1, COLUMNS, *framed.shape[1:])
    joined = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
    return Image.fromarray(joined).resize(
        (joined.shape[1] * 3 // 2, joined.shape[0] * 3 // 2), Image.Resampling.NEAREST
    )


def blind_test(config: Config) -> None:
    """Half real, half synthetic, in random order; and the same with the synthetic ones framed."""
    rng, half = generator(SEED, 0, Stage.EVALUATION, 0), SHOWN // 2
    cascade = Cascade(str(open_bundle(config.bundle or config.name).folder), config, "cpu")
    images, _ = synthetic_crops(cascade, half, SEED)
    crops = load_crops(config, "validation")
    real = crops.images[np.sort(rng.choice(len(crops.images), half, replace=False))]
    both = np.concatenate([real, images[np.sort(rng.choice(len(images), half, replace=False))]]).astype(np.float32)
    order = rng.permutation(SHOWN)
    synthetic = (np.arange(SHOWN) >= half)[order]
    mosaic(both[order]).save(IMAGES / f"blind-{config.name}.png", optimize=True)
    mosaic(both[order], synthetic).save(IMAGES / f"blind-{config.name}-answers.png", optimize=True)


def main() -> None:
    """Draw everything for each bundle of the command line."""
    for entry in sys.argv[1:]:
        name, path = entry.split("=")
        config = load(Path(path))
        config = open_bundle(name).resolve(config.model_copy(update={"bundle": name}))
        curves(config)
        grids(config)
        blind_test(config)


if __name__ == "__main__":
    main()
