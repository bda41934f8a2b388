"""Kill processes at random moments on a local cluster of three nodes: every data set must come out the same.

    python -m bench faults [--suite YAML] [--runs 20] [--kills 6]

Each run makes 24 shards of elliptic cells (real composition and writing, synthesis that waits a second) on a Ray
cluster of a head and two workers. At random moments one of these is killed with SIGKILL: a process at work, the raylet
of a worker node (a new node joins at once), or the driver (started again). A driver that ends with an error is started
again too, and counted. All objects outside `runs/` are compared with those of an undisturbed run. A short run spends
most of its time on starting processes, when none is at work; `faults-processes.yaml` kills nothing but processes at
work. Writes `bench/results/<name>.json`.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from ray.cluster_utils import Cluster

from bench.common.environment import save_result
from bench.common.fixed_cost import Ellipses, small_frames
from bench.common.paths import ROOT
from bench.common.processes import title
from bench.common.same_bytes import differing, hashes
from bench.common.suite import described, suite_options
from raysynth.actors.generate import generate
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify_dataset

_SHARDS, _FRAMES, _CELLS, _SYNTHESIS_S, _LATEST_S = 24, 4, 12, 1.0, 3.0


def _drive(address: str, out: str) -> None:
    """Be the driver: one `generate` with cells that need no model."""
    config = small_frames(_SHARDS, _FRAMES, _CELLS)
    cells = Ellipses(0, _CELLS, _SYNTHESIS_S)
    summary = generate(config, out, address=address, factory=lambda bundle, config, device: lambda: cells)
    if summary.failed:
        sys.exit(f"failed: {summary.failed}")


@dataclass
class _Series:
    """A cluster, and the runs on it."""

    cluster: Cluster
    folder: Path
    rng: random.Random
    victims: list[str]
    counts: Counter[str] = field(default_factory=Counter)

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        """Start a driver that makes the data set `name`."""
        command = [sys.executable, "-m", "bench", "faults", "--drive", self.cluster.address, str(self.folder / name)]
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)

    def run(self, name: str, kills: int) -> dict[str, Any]:
        """Make one data set through `kills` kills; return what was killed and how often a driver was started."""
        killed: list[str] = []
        drivers, started, process = 1, time.monotonic(), self.start(name)
        due = time.monotonic() + self.rng.uniform(2, 4 * _LATEST_S)
        while (code := process.poll()) != 0:
            if code is not None:
                self.counts["drivers ended with an error"] += code > 0
                drivers, process = drivers + 1, self.start(name)
            if len(killed) < kills and time.monotonic() > due:
                killed += self.kill(process)
                due = time.monotonic() + self.rng.uniform(0.5, _LATEST_S)
            if drivers > 10 * (kills + 1):
                raise RuntimeError(f"{name} does not end: see {self.folder / name}.log")
            time.sleep(0.1)
        return {"killed": killed, "drivers": drivers, "seconds": round(time.monotonic() - started, 1)}

    def kill(self, driver: "subprocess.Popen[bytes]") -> list[str]:
        """Kill something; return its kind, or nothing when none of that kind was there."""
        victim = self.rng.choice(self.victims)
        if victim == "driver":
            driver.send_signal(signal.SIGKILL)
            driver.wait()
        elif victim == "raylet":
            node = self.rng.choice(sorted(self.cluster.worker_nodes, key=lambda node: node.node_id))
            self.cluster.remove_node(node, allow_graceful=False)
            self.cluster.add_node(num_cpus=2, object_store_memory=100 * 2**20)
        else:
            own = psutil.Process().children(recursive=True)  # another cluster may run beside this one
            busy = [process for process in own if "ray::Map" in title(process)]
            if not busy:
                return []
            self.rng.choice(busy).kill()
        self.counts[victim] += 1
        return [victim]


def _measure(series: _Series, runs: int, kills: int) -> dict[str, Any]:
    """Make the undisturbed run, then the series."""
    begun = time.monotonic()
    if code := series.start("reference").wait():
        raise RuntimeError(f"the undisturbed run ended with code {code}: see {series.folder}/reference.log")
    undisturbed, reference, rows = time.monotonic() - begun, hashes(str(series.folder / "reference")), []
    for number in range(runs):
        name = f"run-{number:02d}"
        row = series.run(name, kills)
        row["differing"] = differing(reference, hashes(str(series.folder / name)))[:5]
        row["verified"] = verify_dataset(Dataset(series.folder / name)).ok
        rows.append(row)
        print(name, json.dumps(row), flush=True)
    same = sum(not row["differing"] and row["verified"] for row in rows)
    return {
        "runs": runs,
        "kills": sum(len(row["killed"]) for row in rows),
        "by_kind": dict(series.counts),
        "same_bytes": same,
        "objects": len(reference),
        "undisturbed_s": round(undisturbed, 1),
        "series": rows,
    }


def main() -> None:
    """Run the series, or be one of its drivers."""
    arguments = described(__doc__)
    arguments.add_argument("--runs", type=int)
    arguments.add_argument("--kills", type=int, help="per run")
    arguments.add_argument("--seed", type=int)
    arguments.add_argument("--victims", nargs="+", choices=["process", "raylet", "driver"])
    arguments.add_argument("--name", help="of the result")
    arguments.add_argument("--drive", nargs=2, metavar=("ADDRESS", "OUT"), help=argparse.SUPPRESS)
    chosen = suite_options(arguments, "faults")
    if chosen.drive:
        _drive(*chosen.drive)
        return
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 100 * 2**20})
    for _ in range(2):
        cluster.add_node(num_cpus=2, object_store_memory=100 * 2**20)
    with tempfile.TemporaryDirectory() as folder:
        series = _Series(cluster, Path(folder), random.Random(chosen.seed), chosen.victims)
        try:
            save_result(chosen.name, _measure(series, chosen.runs, chosen.kills))
        finally:
            cluster.shutdown()
