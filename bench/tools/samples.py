"""Draw pictures of crops and curves of trainings into `docs/images/`.

    python -m bench samples crops BUNDLE=CONFIG ... [--rows 6] [--seed 1]
    python -m bench samples curves|grids NAME=TRAINING_FOLDER ...

- `crops` (after `raysynth prepare`): `crops-NAME.png` has real crops above and synthetic ones below. `blind-NAME.png`
  has both, mixed at random on the left, and on the right the same with the synthetic ones framed.
- `curves`: the loss of every TensorBoard folder under a training folder, thinned into
  `bench/results/curves-NAME.json`, which keeps those of other models, and drawn into `curves-NAME.png`.
- `grids`: `samples-NAME-MODEL.png`, the last sample grid of every TensorBoard folder.
"""

import io
import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bench.common.paths import IMAGES, RESULTS
from bench.common.prepared import load_prepared
from bench.common.suite import described
from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.cascade.cascade import open_cascade
from raysynth.cascade.synthetic import synthetic_crops
from raysynth.config.reading import load
from raysynth.export.pictures import GAP_PX, SHEET_COLOUR, Picture, Screen

_COLUMNS = 10
_ZOOM = 2
_FRAME = (255, 176, 0)
_POINTS = 200
_SMOOTHING = 0.95

_Grey = NDArray[np.float32]


def _grid(tiles: list[Picture], columns: int) -> Picture:
    """Set pictures of one size in rows of `columns`, a gap between them; the last row must be full."""
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    cells = [[np.pad(tile, ((0, GAP_PX), (0, GAP_PX), (0, 0))) for tile in row] for row in rows]
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in cells])
    for axis, size in enumerate(tiles[0].shape[:2]):
        gap = np.arange(sheet.shape[axis]) % (size + GAP_PX) >= size
        sheet[gap if axis == 0 else (slice(None), gap)] = SHEET_COLOUR
    return sheet


def _framed(tile: Picture) -> Picture:
    """Put a coloured border on a picture."""
    result = tile.copy()
    for edge in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
        result[edge] = _FRAME
    return result


def _crop_sets(bundle_name: str, config_path: str, count: int, seed: int) -> tuple[_Grey, _Grey]:
    """Take `count` random validation crops and as many of the bundle's own, in grey values."""
    bundle = open_bundle(bundle_name)
    config = resolve(load(Path(config_path)), bundle.info)
    rng = generator(seed, 0, Stage.EVALUATION, 0)
    prepared = load_prepared(config)
    crops = prepared.validation.images
    chosen = np.sort(rng.choice(len(crops), count, replace=False))
    real = prepared.statistics.intensity.from_unit(crops[chosen])
    # Of volumes every cell has several slices: `count` cells are more than enough.
    images, _ = synthetic_crops(open_cascade(bundle_name, config, "cpu"), count, seed)
    chosen = rng.choice(len(images), count, replace=False)
    return real, bundle.info.statistics.intensity.from_unit(images[chosen])


def _draw_crops(name: str, real: _Grey, synthetic: _Grey, rng: np.random.Generator) -> None:
    """Write the plain and the blind grid; one fixed grey scale, the real crops' own, for all."""
    low, high = np.percentile(real, (0.1, 99.9))
    screen = Screen(float(low), float(high), (_ZOOM, _ZOOM))
    tiles = [screen.frame(image) for image in np.concatenate([real, synthetic])]
    _save(f"crops-{name}", _grid(tiles, _COLUMNS))
    order = rng.permutation(len(tiles))
    shown = [_framed(tiles[i]) if i >= len(real) else tiles[i] for i in order]
    blind, marked = _grid([tiles[i] for i in order], _COLUMNS), _grid(shown, _COLUMNS)
    between = np.full((len(blind), 4 * GAP_PX, 3), SHEET_COLOUR, np.uint8)
    _save(f"blind-{name}", np.concatenate([blind, between, marked], axis=1))


def _save(name: str, picture: Picture) -> None:
    """Write a PNG into docs/images."""
    Image.fromarray(picture).save(IMAGES / f"{name}.png", optimize=True)


def _read_curve(folder: Path) -> dict[str, list[float]]:
    """Read steps and losses of one TensorBoard folder, smoothed by TensorBoard's unbiased average and thinned."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    points = events.Scalars("loss")
    average, smooth = 0.0, []
    for count, point in enumerate(points, start=1):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * point.value
        smooth.append(average / (1 - _SMOOTHING**count))
    kept = np.unique(np.linspace(0, len(points) - 1, min(_POINTS, len(points))).astype(int))
    return {"step": [points[i].step for i in kept], "loss": [round(smooth[i], 6) for i in kept]}


def _board_folders(training: Path) -> list[Path]:
    """Find the TensorBoard folders below a training folder."""
    return sorted({events.parent for events in training.rglob("events.out.tfevents.*")})


def _save_grids(name: str, training: Path) -> None:
    """Keep the last sample grid of every model trained in a folder."""
    for folder in _board_folders(training):
        events = EventAccumulator(str(folder), size_guidance={"images": 0})
        events.Reload()
        last = Image.open(io.BytesIO(events.Images("samples")[-1].encoded_image_string))
        last.convert("L").save(IMAGES / f"samples-{name}-{folder.parent.name}.png", optimize=True)


def _draw_curves(name: str, training: Path) -> None:
    """Keep and draw the loss of every model trained in a folder."""
    folders = _board_folders(training)
    curves: dict[str, Any] = {str(folder.parent.relative_to(training)): _read_curve(folder) for folder in folders}
    kept = RESULTS / f"curves-{name}.json"
    curves = (json.loads(kept.read_text()) if kept.exists() else {}) | curves
    kept.write_text(json.dumps(curves) + "\n")
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for model, curve in curves.items():
        axes.loglog(curve["step"], curve["loss"], label=model)
    axes.set(xlabel="step", ylabel="loss, smoothed")
    axes.legend(fontsize=8)
    figure.savefig(IMAGES / f"curves-{name}.png", dpi=110, bbox_inches="tight")
    plt.close(figure)


def main() -> None:
    """Draw what the command line names."""
    parser = described(__doc__)
    parser.add_argument("what", choices=("crops", "curves", "grids"))
    parser.add_argument("entries", nargs="+")
    parser.add_argument("--rows", type=int, default=6, help="rows of the blind grid")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for entry in options.entries:
        name, path = entry.split("=")
        if options.what != "crops":
            (_draw_curves if options.what == "curves" else _save_grids)(name, Path(path))
            continue
        sets = _crop_sets(name, path, options.rows * _COLUMNS // 2, options.seed)
        _draw_crops(Path(name).name, *sets, generator(options.seed, 1, Stage.EVALUATION, 0))
