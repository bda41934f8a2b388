"""Measure where the time goes: every stage of the cascade, composing and encoding, in one process.

    python -m bench stages [--suite YAML] [--device cuda] [--cells 64] [--repeats 3] [--set KEY.PATH=VALUE ...]

Needs no Ray. For each bundle, shards of `--cells` cells go through the cascade one after the other; the first warms up
and does not count. Each is then composed into frames of its config's density, as many as place each cell about once,
and encoded as the bytes that a data set stores. Medians over the repeats. Writes `bench/results/stages.json` (on a GPU
`stages-cuda.json`).
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import torch

from bench.common.environment import save_result
from bench.common.suite import described, suite_options
from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.cascade.cascade import Cascade
from raysynth.cascade.settings import CascadeSettings
from raysynth.config.reading import load
from raysynth.population.compose import compose_shard
from raysynth.population.settings import CompositionSettings
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import encode_frames

_T = TypeVar("_T")
_SEED = 0


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """Time a call; return its result and the seconds."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


class _Stages:
    """One bundle on one device."""

    def __init__(self, bundle: str, path: str, device: str, settings: list[str]) -> None:
        opened = open_bundle(bundle)
        self.config = resolve(load(Path(path), (f"bundle={bundle}", *settings)), opened.info)
        self.cascade = Cascade(opened, CascadeSettings.of(self.config), device)
        self.composition, self.statistics = CompositionSettings.of(self.config), self.cascade.statistics
        counts = [record.cells for record in self.statistics.frames if record.cells]
        self.frames = max(1, round(self.config.generate.cells_per_shard / median(counts)))

    def shard(self, index: int) -> dict[str, Any]:
        """Time each stage for one shard, and count what it held."""
        made, total = _timed(lambda: self.cascade.synthesise(index, _SEED))
        frames = range(self.frames)
        composed, compose = _timed(
            lambda: compose_shard(made.cells, self.statistics, self.composition, _SEED, index, frames)
        )
        spec = DatasetSpec(
            frames=self.frames,
            frame_shape=self.config.population.frame_px,
            dtype=self.statistics.dtype,
            voxel_um=self.statistics.voxel_um,
            frames_per_shard=self.frames,
        )
        objects, encode = _timed(lambda: encode_frames(spec, 0, composed.images, composed.labels))
        return {
            "cells": len(made.cells),
            "placed": int(composed.counts["placed"]),
            "counts": made.counts,
            "synthesise_s": total,
            "seconds": made.seconds,
            "compose_s": compose,
            "encode_s": encode,
            "raw_mb": (composed.images.nbytes + composed.labels.nbytes) / 2**20,
            "stored_mb": sum(map(len, objects.values())) / 2**20,
        }


def _metrics(rows: list[dict[str, Any]], frames: int) -> dict[str, Any]:
    """Compute medians over shards: milliseconds per cell by stage, cells per second, the fraction of each stage."""
    stages = {
        stage: median(1000 * row["seconds"].get(stage, 0.0) / row["cells"] for row in rows)
        for stage in rows[0]["seconds"]
    }
    stages["rest of the cascade"] = median(
        1000 * (row["synthesise_s"] - sum(row["seconds"].values())) / row["cells"] for row in rows
    )
    stages["compose"] = median(1000 * row["compose_s"] / row["placed"] for row in rows)
    stages["encode"] = median(1000 * row["encode_s"] / row["placed"] for row in rows)
    whole = sum(stages.values())
    return {
        "frames_a_shard": frames,
        "cells_a_second": median(row["cells"] / row["synthesise_s"] for row in rows),
        "milliseconds_a_cell": stages,
        "share": {stage: value / whole for stage, value in stages.items()},
        "slices_a_cell": median(row["counts"].get("slices", row["cells"]) / row["cells"] for row in rows),
        "encode_raw_mb_a_second": median(row["raw_mb"] / row["encode_s"] for row in rows),
        "stored_over_raw": median(row["stored_mb"] / row["raw_mb"] for row in rows),
        "shards": rows,
    }


def main() -> None:
    """Measure every bundle of the suite."""
    arguments = described(__doc__)
    arguments.add_argument("--bundles", nargs="+", metavar="BUNDLE=CONFIG")
    arguments.add_argument("--device", choices=["cpu", "cuda"])
    arguments.add_argument("--threads", type=int, help="of torch, on a CPU")
    arguments.add_argument("--cells", type=int, help="per shard")
    arguments.add_argument("--repeats", type=int, help="shards, after one that warms up")
    arguments.add_argument("--set", action="append", dest="settings", metavar="KEY.PATH=VALUE")
    chosen = suite_options(arguments, "stages")
    torch.set_num_threads(chosen.threads)
    torch.use_deterministic_algorithms(True)
    results: dict[str, Any] = {}
    for entry in chosen.bundles:
        bundle, path = entry.split("=")
        stages = _Stages(bundle, path, chosen.device, [f"generate.cells_per_shard={chosen.cells}", *chosen.settings])
        rows = [stages.shard(index) for index in range(chosen.repeats + 1)][1:]
        results[bundle] = _metrics(rows, stages.frames)
        if chosen.device == "cuda":
            results[bundle]["gpu_peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
            torch.cuda.reset_peak_memory_stats()
        print(bundle, {name: value for name, value in results[bundle].items() if name != "shards"}, flush=True)
    save_result("stages" if chosen.device == "cpu" else "stages-cuda", results)
