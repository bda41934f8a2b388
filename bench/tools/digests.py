"""Hash what raysynth computes, before and after a change that must not change pixels, labels or tables.

    python -m bench digests digests.json                    # this checkout
    python -m bench digests digests.json --against old.json # and what differs from another one's

Everything goes through the command line, as a user would, so that it runs on any version of the package: `prepare` on
frames that it draws itself, ten training steps of every model, data sets of the trained and of the shipped bundles, a
cell bank composed again, and a small table. Bytes of pixels, labels, arrays and weights are hashed; reports and cell
tables are hashed by their values, so that added fields of documents do not count.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import tifffile
import torch

_STEPS = {"steps": 10, "warmup": 2, "checkpoint_every": 10, "sample_every": 10, "batch": 4, "threads": 1}
TRAINED = {2: ("masks", "texture"), 3: ("masks", "views", "texture")}


def draw_frames(root: Path, dimensions: int) -> None:
    """Draw six frames of round and long cells on a noisy background, two per group, with their labels."""
    shape = (96, 128) if dimensions == 2 else (14, 72, 80)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for frame in range(6):
        rng = np.random.default_rng(frame)
        labels = np.zeros(shape, np.uint16)
        grid = np.indices(shape)
        for label in range(1, 13):
            centre = [rng.uniform(0, n) for n in shape]
            radii = [rng.uniform(5, 9) * (1 if n > 20 else 0.5) for n in shape]
            inside = sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True)) <= 1
            near = sum(((g - c) / (r + 1)) ** 2 for g, c, r in zip(grid, centre, radii, strict=True)) <= 1
            if not labels[near].any():
                labels[inside] = label
        image = rng.normal(200, 8, shape) + 600 * (labels > 0) * (1 + 0.2 * np.sin(labels + grid[-1] / 3))
        name = f"g{frame // 2}_{frame}.tif"
        tifffile.imwrite(root / "images" / name, image.clip(0, 65535).astype(np.uint16))
        tifffile.imwrite(root / "masks" / name, labels)


def drawn_settings(work: Path, dimensions: int) -> dict[str, Any]:
    """Write a small configuration of every group of settings."""
    small: dict[str, Any] = {"channels": [8, 16], "sampler_steps": 3, "train": _STEPS}
    return {
        "name": f"drawn-{dimensions}d",
        "workspace": str(work / "workspace"),
        "data": {
            "root": str(work / f"drawn-{dimensions}d"),
            "layout": "pairs",
            "dimensions": dimensions,
            "voxel_um": [1.0, 0.5, 0.5] if dimensions == 3 else None,
            "group_pattern": "(g[0-9]+)_",
            "split": {"by": "group", "train": ["g0"], "validation": ["g1"], "test": ["g2"]},
        },
        "masks": small,
        "views": small | {"count": 6, "side_px": 16, "volume": 8, "volume_channels": 8},
        "surface": {"steps": 10},
        "gate": {"min_iou": 0.0, "min_kept": 0.0},
        "texture": small,
        "population": {"frame_px": [96, 96] if dimensions == 2 else [12, 64, 64], "cells": [3, 6], "border_cut": True},
        "generate": {
            "out": str(work / f"drawn-{dimensions}d.zarr"),
            "frames": 3,
            "frames_per_shard": 2,
            "cells_per_shard": 6,
        },
        "runtime": {"actors": 1, "device": "cpu"},
        "evaluate": {"steps": 4, "validate_every": 1, "batch": 2, "tile_px": 32, "validation_frames": 1},
    }


def main() -> None:
    """Compute all digests, write them, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="raysynth-digests-") as folder:
        found = _digests(Path(folder))
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if arguments.against is not None:
        before = json.loads(arguments.against.read_text(encoding="utf-8"))
        changed = sorted(name for name in before | found if before.get(name) != found.get(name))
        print(f"{len(found)} digests, {len(changed)} differ" + "".join(f"\n  {name}" for name in changed))
        sys.exit(bool(changed))


def _digests(work: Path) -> dict[str, str]:
    """Compute every digest, by name."""
    found: dict[str, str] = {}
    for dimensions, models in TRAINED.items():
        name = f"drawn-{dimensions}d"
        draw_frames(work / name, dimensions)
        config = work / f"{name}.yaml"
        config.write_text(json.dumps(drawn_settings(work, dimensions)), encoding="utf-8")  # JSON is YAML
        _raysynth("prepare", config)
        found |= prepared_digests(name, work / "workspace" / name / "prepared")
        _raysynth("train", "all", config)
        for model in models:
            found |= checkpoint_digests(f"{name} {model}", work / "workspace" / name / "training" / model)
        found |= _started(work, config, dimensions)
    config = work / "drawn-2d.yaml"
    learned = ["--set", "texture.autoencoder=2", "--set", "texture.autoencoder_steps=10", "--set", "name=learned"]
    _raysynth("prepare", config, *learned)
    _raysynth("train", "texture", config, *learned)
    place = work / "workspace" / "learned" / "training" / "texture"
    found |= checkpoint_digests("drawn-2d autoencoder", place / "autoencoder") | checkpoint_digests(
        "drawn-2d on latents", place
    )
    _raysynth("evaluate", "table", config, "--validation")
    found["table"] = _table(work / "workspace" / "drawn-2d" / "table" / "validation.json")
    return found | _shipped(work)


def _started(work: Path, config: Path, dimensions: int) -> dict[str, str]:
    """Hash models that start from a shipped bundle, whose masks pass the limits, and a data set of theirs."""
    bundle, name = {2: "nuclei-2d", 3: "embryo-3d"}[dimensions], f"started-{dimensions}d"
    options = ["--set", f"name={name}", "--set", f"masks.resolution_px={64 if dimensions == 2 else 32}"]
    for model in TRAINED[dimensions]:
        options += ["--set", f"{model}.start={bundle}", "--set", f"{model}.train.steps=2"]
    _raysynth("train", "all", config, *options)
    found: dict[str, str] = {}
    for model in TRAINED[dimensions]:
        found |= checkpoint_digests(f"{name} {model}", work / "workspace" / name / "training" / model)
    _raysynth("generate", config, *options)
    return found | data_set_digests(name, work / f"drawn-{dimensions}d.zarr")


def _shipped(work: Path) -> dict[str, str]:
    """Hash data sets from the shipped bundles, and one composed again from the cells that were kept."""
    found: dict[str, str] = {}
    small = {
        "nuclei-2d": ["--set", "population.frame_px=[160, 160]", "--set", "generate.cells_per_shard=8"],
        "embryo-3d": ["--set", "population.frame_px=[30, 80, 80]", "--set", "generate.cells_per_shard=4"],
    }
    for bundle, options in small.items():
        out, bank = work / f"{bundle}.zarr", work / f"{bundle}.bank"
        options += ["--set", f"bundle={bundle}", "--set", "generate.frames_per_shard=1", "--frames", "2"]
        options += ["--set", "population.cells=[2, 5]", "--set", "masks.batch=8", "--set", "generate.dtype=uint16"]
        _raysynth("generate", f"configs/{bundle}.yaml", "--out", out, "--keep-cells", bank, *options)
        found |= data_set_digests(f"{bundle} shipped", out)
        again = work / f"{bundle}-again.zarr"
        _raysynth("generate", f"configs/{bundle}.yaml", "--out", again, "--cells", bank, "--seed", "1", *options)
        found |= data_set_digests(f"{bundle} from its bank", again)
    return found


def _raysynth(*arguments: object) -> None:
    """Run the command with the interpreter of this script."""
    subprocess.run([sys.executable, "-m", "raysynth", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def prepared_digests(name: str, folder: Path) -> dict[str, str]:
    """Hash all that `prepare` wrote."""
    found = {f"{name} {path.name}": _of_json(path) for path in folder.glob("*.json")}
    for path in sorted(folder.rglob("*.npy")):
        found[f"{name} {path.relative_to(folder)}"] = _sha256([np.load(path).tobytes()])
    return found | {f"{name} {path.relative_to(folder)}": _of_table([path]) for path in folder.rglob("*.parquet")}


def checkpoint_digests(name: str, folder: Path) -> dict[str, str]:
    """Hash the weights and averaged weights of a training's newest checkpoint, and its last metrics."""
    newest = sorted((folder / "checkpoints").glob("*.pt"))[-1]
    state = torch.load(newest, map_location="cpu", weights_only=True)
    model = [tensor.numpy().tobytes() for _, tensor in sorted(state["model"].items())]
    averaged = [tensor.numpy().tobytes() for tensor in state["ema"]["shadow_params"]]
    found = {f"{name} weights": _sha256(model), f"{name} averaged weights": _sha256(averaged)}
    result = folder / "result.json"
    return found | ({f"{name} metrics": _of_json(result)} if result.is_file() else {})


def data_set_digests(name: str, folder: Path) -> dict[str, str]:
    """Hash the pixels and labels of every level, and the cell table."""
    found = {}
    for array in sorted(path for path in folder.rglob("c") if path.is_dir()):
        files = sorted(path for path in array.rglob("*") if path.is_file())
        place = array.parent.relative_to(folder)
        found[f"{name} {place}"] = _sha256(path.read_bytes() for path in files)
    return found | {f"{name} cells": _of_table(sorted((folder / "cells.parquet").glob("*.parquet")))}


def _table(path: Path) -> str:
    """Hash every score of a table."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    scores = {title: [row["seg"], row["seeds"], row["validation"]] for title, row in rows.items()}
    return _sha256([json.dumps(scores, sort_keys=True).encode()])


def _of_table(paths: Iterable[Path]) -> str:
    """Hash the values of parquet files."""
    rows = [pq.read_table(path).to_pydict() for path in paths]
    return _sha256([json.dumps(rows, sort_keys=True, default=str).encode()])


def _of_json(path: Path) -> str:
    """Hash a JSON file's values."""
    return _sha256([json.dumps(json.loads(path.read_text(encoding="utf-8")), sort_keys=True).encode()])


def _sha256(parts: Iterable[bytes]) -> str:
    """Compute the hexadecimal SHA-256 of bytes, part after part."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


if __name__ == "__main__":
    main()
