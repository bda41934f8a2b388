"""Make a whole data set as a user does: time, rate, bytes, files, memory, and whether it is right.

    python -m bench end_to_end [--suite YAML] [CONFIG] [--bank FOLDER] [--out FOLDER] [--frames 100000] [--set …]

Runs `raysynth generate CONFIG --cells` on a bank of kept cells. Without a bank, its own cells go through the whole
cascade. The memory of every process of the run is sampled. Then the data set is verified, and 1,000 random frames are
compared with the cell table, cell by cell. `--make-bank CELLS` makes the bank first and times it. Writes
`bench/results/end_to_end-<name>.json`; `python -m bench performance_plots` draws the memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import psutil
from scipy.ndimage import find_objects

from bench.common.environment import save_result
from bench.common.processes import family
from bench.common.suite import as_set_options, described, suite_options
from raysynth.base.objects import Objects
from raysynth.store.reader import Dataset

_SAMPLED, _PERIOD_S, _PART_CELLS, _KEPT = 1000, 5.0, 100, 60
_ROLES = {"_Synthesise": "actors", "_compose": "composers", "gcs_server": "gcs", "raylet/raylet": "raylet"}
"""Kind of a process of Ray, by a piece of its command line."""


class _Memory(threading.Thread):
    """Samples the memory of a process and its descendants until it is stopped, MiB without shared pages."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.ended = pid, threading.Event()
        self.began = time.monotonic()
        self.samples: list[dict[str, Any]] = []

    def run(self) -> None:
        """Sample every `_PERIOD_S` seconds."""
        while not self.ended.wait(_PERIOD_S):
            roles: dict[str, list[float]] = defaultdict(list)
            for process in family(self.pid):
                try:
                    memory, title = process.memory_info(), " ".join(process.cmdline())
                except psutil.Error:
                    continue
                roles[_role(process.pid == self.pid, title)].append((memory.rss - memory.shared) / 2**20)
            largest = {role: round(max(sizes), 1) for role, sizes in roles.items()}
            self.samples.append({"seconds": round(time.monotonic() - self.began, 1), "largest_mb": largest})


def _role(is_driver: bool, title: str) -> str:
    if is_driver:
        return "driver"
    return next((role for part, role in _ROLES.items() if part in title), "other")


def _thinned(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep at most `_KEPT` samples, each the largest of those it stands for."""
    step = -(-len(samples) // _KEPT)
    parts = [samples[i : i + step] for i in range(0, len(samples), step)] if step else []
    return [
        {
            "seconds": part[0]["seconds"],
            "largest_mb": {
                role: max(sample["largest_mb"].get(role, 0.0) for sample in part)
                for role in dict.fromkeys(role for sample in part for role in sample["largest_mb"])
            },
        }
        for part in parts
    ]


def _generate(arguments: list[str], memory: bool = True) -> tuple[dict[str, Any], float, list[dict[str, Any]]]:
    """Run the command; return its summary, the wall time in seconds and the samples of its memory."""
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder, "summary.json")
        started = time.monotonic()
        process = subprocess.Popen([sys.executable, "-m", "raysynth", "generate", *arguments, "--json", str(summary)])
        sampler = _Memory(process.pid)
        if memory:
            sampler.start()
        if code := process.wait():
            raise SystemExit(f"generate ended with code {code}")
        sampler.ended.set()
        return json.loads(summary.read_text()), time.monotonic() - started, sampler.samples


def _agreement(dataset: Dataset) -> dict[str, int]:
    """Count the random frames whose labels and table agree in every cell: number of pixels and bounding box."""
    rng = np.random.default_rng(0)
    frames = np.sort(rng.choice(dataset.present, min(_SAMPLED, len(dataset)), replace=False))
    axes = dataset.spec.axes[1:]
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for shard in sorted({int(frame) // dataset.spec.frames_per_shard for frame in frames}):
        for row in dataset.shard_cells(shard).to_pylist():
            rows[row["frame"]].append(row)
    agreeing = cells = 0
    for frame in frames:
        labels = dataset.labels(int(frame))
        sizes, boxes = np.bincount(labels.ravel()), find_objects(labels.astype(np.int32))
        found = {
            label: (int(sizes[label]), *((s.start, s.stop) for s in box))
            for label, box in enumerate(boxes, start=1)
            if box is not None
        }
        listed = {r["label"]: (r["volume_px"], *((r[f"{a}_start"], r[f"{a}_stop"]) for a in axes)) for r in rows[frame]}
        agreeing, cells = agreeing + (found == listed), cells + len(found)
    return {"frames": len(frames), "agreeing": agreeing, "cells": cells}


def _verified(uri: str) -> dict[str, Any]:
    """Run `raysynth verify` and time it."""
    started = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "raysynth", "verify", uri], stdout=subprocess.DEVNULL).returncode
    return {"ok": code == 0, "seconds": time.monotonic() - started}


def _make_bank(options: argparse.Namespace, settings: list[str]) -> dict[str, Any]:
    """Make the bank with the config's cascade, in shards of `_PART_CELLS` cells and one frame."""
    shards = -(-options.make_bank // _PART_CELLS)
    parts = [f"generate.cells_per_shard={_PART_CELLS}", "generate.frames_per_shard=1"]
    changes = as_set_options([*settings, *parts])
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", f"{folder}/bank.zarr", "--frames", str(shards), "--keep-cells", str(options.bank)]
        summary, seconds, _ = _generate([options.config, *out, *changes], memory=False)
    return {"cells": summary["bank"]["cells"], "parts": summary["bank"]["parts"], "seconds": seconds}


def main() -> None:
    """Make, measure and check one data set."""
    arguments = described(__doc__)
    arguments.add_argument("config", nargs="?")
    arguments.add_argument("--name", help="of the result")
    arguments.add_argument("--bank", help="a folder")
    arguments.add_argument("--make-bank", type=int, metavar="CELLS")
    arguments.add_argument("--out")
    arguments.add_argument("--frames", type=int)
    arguments.add_argument("--set", action="append", dest="settings", metavar="KEY.PATH=VALUE")
    options = suite_options(arguments, "end_to_end")
    results: dict[str, Any] = {}
    if options.make_bank:
        results["bank"] = _make_bank(options, options.settings)
        print(results, flush=True)
    words = [options.config, "--out", options.out, "--frames", str(options.frames)]
    words += ["--cells", str(options.bank)] if options.bank else []
    words += as_set_options(options.settings)
    summary, seconds, samples = _generate(words)
    objects = [meta for batch in obstore.list(Objects(options.out).store) for meta in batch]
    results |= {
        "summary": {name: value for name, value in summary.items() if name != "dataset"},  # a folder of this machine
        "seconds": seconds,
        "frames_per_second": options.frames / seconds,
        "bytes": sum(meta["size"] for meta in objects),
        "files": len(objects),
        "memory": _thinned(samples),
        "verify": _verified(options.out),
        "table": _agreement(Dataset(options.out)),
    }
    print({name: value for name, value in results.items() if name != "memory"}, flush=True)
    save_result(f"end_to_end-{options.name}", results)
