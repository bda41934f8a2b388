"""Measure how real synthetic images look: FID, KID, adherence, morphology and near-copies of bundles.

    python -m bench fidelity BUNDLE=CONFIG[=DATASET] ... --weights FILE [--crops 500] [--tiles 500]

For each bundle, synthetic single-cell crops stand against one half of the real validation crops. Where a data set made
by `raysynth generate` is given, random tiles of its frames stand against tiles of one half of the validation frames.
Beside each stands the other half of the validation frames (real against real), and training images against the same
half: as near as a perfect model of the training data would come. Halves are of whole frames. Needs `raysynth prepare`
of the configs. Features are kept in `--cache`. Writes `bench/results/fidelity.json`.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from bench.common.environment import save_result
from bench.common.painting import paint_rows
from bench.common.prepared import crop_table, load_prepared
from bench.common.suite import described
from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle import Bundle, open_bundle, save_info
from raysynth.cascade.bundle_info import resolve
from raysynth.cascade.cascade import open_cascade
from raysynth.cascade.synthetic import synthetic_crops
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.data.splits import split_frames
from raysynth.measures import fidelity, morphology
from raysynth.measures.adherence import adherence, swap_test
from raysynth.measures.copies import near_copies, nearest_correlation, texture_copies
from raysynth.measures.inception import Inception
from raysynth.measures.tiles import LabelledImage, fixed_map, random_tiles, tile_side, to_bytes
from raysynth.preparation.intensity import IntensityMap
from raysynth.preparation.prepared import Crops, Prepared
from raysynth.store.reader import Dataset

_SEED = 1
_SWAPPED = 200
_CELL_SLICES = 5
_BRIGHTNESS_BINS = 5
_TARGETS = {"excess": 0.03, "ratio": 2.5}
_Grey = NDArray[np.float32]


@dataclass(frozen=True)
class _CropSet:
    """Crops `(n, side, side)` in grey values, their masks, and the frame of each (synthetic: its own number)."""

    images: _Grey
    masks: NDArray[np.bool_]
    frames: NDArray[Any]

    def of(self, rows: NDArray[Any]) -> "_CropSet":
        return _CropSet(self.images[rows], self.masks[rows], self.frames[rows])

    def some(self, count: int, rng: Generator) -> "_CropSet":
        """Choose `count` random crops, or all there are, still in order."""
        return self.of(np.sort(rng.choice(len(self.images), min(count, len(self.images)), replace=False)))


def _real_crops(config: Config, prepared: Prepared, split: str) -> _CropSet:
    """Take all prepared crops of a split."""
    crops: Crops = getattr(prepared, split)
    frames = crop_table(config, split)["frame"].to_numpy()
    return _CropSet(prepared.statistics.intensity.from_unit(crops.images), np.asarray(crops.masks), frames)


def _drawn_crops(bundle: Bundle, config: Config, count: int) -> _CropSet:
    """Make new crops with the bundle; of volumes, some slices of each of many cells."""
    cells = count if config.data.dimensions == 2 else count // _CELL_SLICES
    images, masks = synthetic_crops(open_cascade(str(bundle.folder), config, "cpu"), cells, _SEED)
    grey = bundle.info.statistics.intensity.from_unit(images)
    return _CropSet(grey, masks, np.arange(len(grey))).some(count, generator(_SEED, 0, Stage.EVALUATION, 0))


def _halves(frames: NDArray[Any], rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide rows into two halves of whole frames; each frame goes to the half that is smaller so far."""
    rows: tuple[list[int], list[int]] = ([], [])
    for frame in rng.permutation(np.unique(frames)):
        min(rows, key=len).extend(np.flatnonzero(frames == frame).tolist())
    return np.array(rows[0]), np.array(rows[1])


class _Features:
    """Inception features, kept on disk by the bytes of the images."""

    def __init__(self, weights: Path, cache: Path) -> None:
        self.inception, self.cache = Inception(weights), cache
        cache.mkdir(parents=True, exist_ok=True)

    def __call__(self, images: NDArray[np.uint8]) -> Tensor:
        key = hashlib.sha256(f"{self.inception.name}{images.shape}".encode() + images.tobytes()).hexdigest()[:24]
        file = self.cache / f"{key}.npy"
        if not file.exists():
            np.save(file, self.inception.features(images).float().numpy())
        return torch.from_numpy(np.load(file)).double()


def _similarity(features: _Features, sets: dict[str, NDArray[np.uint8]]) -> dict[str, Any]:
    """Compute FID and KID of synthetic and of training images against `half`, beside `other_half`."""
    found = {name: features(images) for name, images in sets.items()}
    names = ("synthetic", "training")
    return {name: asdict(fidelity.compare_features(found["half"], found["other_half"], found[name])) for name in names}


def _crop_similarity(
    features: _Features, fixed: IntensityMap, validation: _CropSet, training: _CropSet, synthetic: _CropSet, count: int
) -> dict[str, Any]:
    """Compute FID and KID of single-cell crops."""
    rng = generator(_SEED, 1, Stage.EVALUATION, 0)
    half, other = (validation.of(rows).some(count, rng) for rows in _halves(validation.frames, rng))
    sets = {"half": half, "other_half": other, "training": training.some(count, rng), "synthetic": synthetic}
    return _similarity(features, {name: to_bytes(crops.images, fixed) for name, crops in sets.items()})


def _tile_similarity(
    features: _Features, fixed: IntensityMap, config: Config, training: list[LabelledImage], dataset: str, count: int
) -> dict[str, Any]:
    """Compute FID and KID of tiles of frames."""
    rng = generator(_SEED, 2, Stage.EVALUATION, 0)
    validation = [(pixels.image, pixels.labels) for f in split_frames(config.data).validation for pixels in [f.read()]]
    half, other = _halves(np.arange(len(validation)), rng)
    sets = {
        "half": [validation[i] for i in half],
        "other_half": [validation[i] for i in other],
        "training": training,
        "synthetic": [(image, labels) for _, image, labels in Dataset(dataset)],
    }
    area = float(load_prepared(config).statistics.cells.area_px.at(0.5))
    side = tile_side(2 * np.sqrt(area / np.pi), [frame for frames in sets.values() for frame in frames])
    tiles = {name: to_bytes(random_tiles(frames, side, count, rng), fixed) for name, frames in sets.items()}
    return {"side_px": side, **_similarity(features, tiles)}


def _cell_metrics(validation: _CropSet, training: _CropSet, synthetic: _CropSet) -> dict[str, Any]:
    """Measure adherence, morphology and near-copies of crops, as many synthetic as real."""
    rng = generator(_SEED, 3, Stage.EVALUATION, 0)
    real = validation.some(len(synthetic.images), rng)
    pairs = {name: morphology.crop_metrics(c.images, c.masks) for name, c in (("real", real), ("synthetic", synthetic))}
    pairs["real"]["adherence"] = adherence(real.images, real.masks)
    pairs["synthetic"]["adherence"] = adherence(synthetic.images, synthetic.masks)
    edges, synthetic_edges = (morphology.edges(crops.images, crops.masks) for crops in (real, synthetic))
    return {
        **{n: asdict(morphology.compare_samples(pairs["real"][n], pairs["synthetic"][n], rng)) for n in pairs["real"]},
        "edge": asdict(morphology.compare_edges(edges, synthetic_edges, rng)),
        "texture_copies": texture_copies(synthetic.images, real.images, training.images)
        | {"validation_as_bright": _copies_as_bright(real, synthetic, training, pairs)},
        "mask_copies": {
            "validation": near_copies(real.masks, training.masks),
            "synthetic": near_copies(synthetic.masks, training.masks),
        },
    }


def _copies_as_bright(real: _CropSet, synthetic: _CropSet, training: _CropSet, pairs: dict[str, Any]) -> float:
    """Compute the fraction of near-copies among real crops that are weighted to be as bright as the synthetic ones.

    Noise makes dim crops unlike any other, so a validation split that is dimmer has fewer of them.
    """
    nearest = nearest_correlation(real.images, training.images)
    threshold = texture_copies(synthetic.images, real.images, training.images)["threshold"]
    bright = {name: np.asarray(table["brightness"]) for name, table in pairs.items()}
    edges = np.quantile(np.concatenate(list(bright.values())), np.linspace(0, 1, _BRIGHTNESS_BINS + 1))[1:-1]
    of_real, of_synthetic = (np.digitize(bright[name], edges) for name in ("real", "synthetic"))
    bins = [b for b in range(_BRIGHTNESS_BINS) if (of_real == b).any()]
    return float(sum((of_synthetic == b).mean() * (nearest[of_real == b] >= threshold).mean() for b in bins))


def _swapped(bundle: Bundle, config: Config, crops: Crops) -> dict[str, float]:
    """Compute the fraction of pairs that pass the swap test: textures on real masks, and the masks' real crops."""
    rows = generator(_SEED, 4, Stage.EVALUATION, 0).choice(len(crops.images), _SWAPPED, replace=False)
    masks = np.asarray(crops.masks[rows])
    painted = paint_rows(bundle.texture.eval(), config, crops, rows, paired=True)
    tests = {"synthetic": painted, "real": np.asarray(crops.images[rows], np.float32)}
    return {name: float(swap_test(images, masks).mean()) for name, images in tests.items()}


def _measure(bundle: Bundle, config: Config, dataset: str | None, features: _Features, counts: Any) -> dict[str, Any]:
    """Measure one bundle."""
    frames = [(pixels.image, pixels.labels) for f in split_frames(config.data).train for pixels in [f.read()]]
    fixed = fixed_map([image for image, _ in frames])
    prepared = load_prepared(config)
    validation, training = (_real_crops(config, prepared, split) for split in ("validation", "train"))
    synthetic = _drawn_crops(bundle, config, counts.crops)
    results: dict[str, Any] = {"weights": features.inception.name, "grey_values": [fixed.low, fixed.high]}
    results |= {
        "swap_test": _swapped(bundle, config, prepared.validation),
        "cells": _cell_metrics(validation, training, synthetic),
    }
    print(results, flush=True)
    results["crops"] = _crop_similarity(features, fixed, validation, training, synthetic, counts.crops)
    if dataset:
        results["tiles"] = _tile_similarity(features, fixed, config, frames, dataset, counts.tiles)
    return results


def _show(name: str, results: dict[str, Any]) -> None:
    """Print the table of one bundle."""
    print(f"\n{name}, Inception weights: {results['weights']}")
    for kind in ("crops", "tiles"):
        for which in ("synthetic", "training"):
            if kind not in results:
                continue
            row = results[kind][which]
            print(
                f"{kind} {which:9} n {row['n']}  KID {row['kid']:.4f} - {row['kid_real']:.4f} = {row['excess']:.4f} "
                f"± {row['error']:.4f} (at most {_TARGETS['excess']})  "
                f"FID {row['fid']:.2f} / {row['fid_real']:.2f} = {row['ratio']:.2f} (at most {_TARGETS['ratio']})"
            )
    for figure, row in (results["cells"] | {"swap_test": results["swap_test"]}).items():
        print(f"{figure:15}", "  ".join(f"{key} {value:.3f}" for key, value in row.items()))


def _write_card(bundle: Bundle, results: dict[str, Any], config: str) -> None:
    """Put the chief metrics into the bundle and its card."""
    kept = {f"{kind}_{key}": results[kind]["synthetic"][key] for kind in ("crops", "tiles") if kind in results
            for key in ("n", "kid", "kid_real", "excess", "error", "fid", "fid_real")}  # fmt: skip
    adherences = results["cells"]["adherence"]
    kept |= {"cells_adherence": adherences["synthetic"], "cells_adherence_real": adherences["real"]}
    command = f"python -m bench fidelity {bundle.info.name}={config} --weights {results['weights']}"
    save_info(bundle.folder, bundle.info.model_copy(update={"fidelity": kept, "fidelity_command": command}))


def main() -> None:
    """Measure every bundle named on the command line."""
    parser = described(__doc__)
    parser.add_argument("bundles", nargs="+", help="bundle=config.yaml or bundle=config.yaml=dataset.zarr")
    parser.add_argument("--weights", type=Path, required=True, help="Inception weights in torch-fidelity's layout")
    parser.add_argument("--cache", type=Path, default=Path("workspace/features"))
    parser.add_argument("--workspace", help="where the prepared crops are, if not where the configs say")
    parser.add_argument("--card", action="store_true", help="put the chief metrics into the bundle's model card")
    parser.add_argument("--crops", type=int, default=500)
    parser.add_argument("--tiles", type=int, default=500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    features, every = _Features(options.weights, options.cache), {}
    for entry in options.bundles:
        name, path, *dataset = entry.split("=")
        bundle = open_bundle(name)
        settings = [f"workspace={options.workspace}"] if options.workspace else []
        config = resolve(load(Path(path), settings), bundle.info)
        every[name] = _measure(bundle, config, dataset[0] if dataset else None, features, options)
        _show(name, every[name])
        if options.card:
            _write_card(bundle, every[name], path)
    save_result("fidelity", every)
