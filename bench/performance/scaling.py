"""Measure strong and weak scaling of the real cascade over actors, on any cluster.

    python -m bench scaling CONFIG [--gpus 1,2,4,8 | --actors 1,2] [--address ADDRESS] [--set KEY.PATH=VALUE ...]

Runs `generate` with 1, 2, … actors. Strong scaling makes `--strong` shards with any of them, weak scaling `--weak`
shards per actor. For each run: images and cells per second, over the whole run and from the first moment an actor
worked; the fraction of the actors' time that went into finished shards; seconds until the first and until every actor
worked; and how this compares with as many times the rate of the smallest pool. With more than one node, `--out` is an
address that all of them see. Writes `bench/results/scaling-<config>.json`; `python -m bench performance_plots` draws
it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common.environment import save_result
from bench.common.suite import as_set_options, described, suite_options
from raysynth.base.objects import Objects
from raysynth.config.reading import load


def _run(config: str, out: str, actors: int, shards: int, settings: list[str], address: str | None) -> dict[str, Any]:
    """Generate one data set and compute its rates."""
    frames = shards * load(Path(config), settings).generate.frames_per_shard
    words = as_set_options([*settings, f"runtime.actors={actors}"])
    words += ["--address", address] if address else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "summary.json")
        command = [sys.executable, "-m", "raysynth", "generate", config, "--out", out, "--frames", str(frames)]
        started = time.time()
        subprocess.run([*command, "--json", str(file), *words], check=True, stdout=subprocess.DEVNULL)
        seconds = time.time() - started
        summary = json.loads(file.read_text())
    record = json.loads(Objects(out).get(f"runs/{summary['run']}.json"))
    return _row(record["shards"], summary["counts"], actors) | {"command_s": seconds, "device": summary["device"]}


def _row(reports: list[dict[str, Any]], counts: dict[str, int], actors: int) -> dict[str, Any]:
    """Compute the rates of one run from its shards' times."""
    made = [report["times"]["synthesise"] for report in reports]
    begun, ended = min(start for start, _ in made), max(report["times"]["compose"][1] for report in reports)
    seconds = ended - begun
    # The first shards begin when their actors do: that many, in order, show when the last one came.
    every = sorted(start for start, _ in made)[min(actors, len(made)) - 1]
    return {
        "actors": actors,
        "shards": len(made),
        "seconds_at_work": seconds,
        "every_actor_after_first_s": every - begun,
        "images_a_second": counts["frames"] / seconds,
        "cells_a_second": counts["cells"] / seconds,
        "actors_busy": sum(end - start for start, end in made) / (actors * seconds),
        "synthesis_s_a_shard": sum(end - start for start, end in made) / len(made),
        "waits_s_a_shard": sum(r["times"]["compose"][0] - r["times"]["synthesise"][1] for r in reports) / len(made),
    }


def _against_smallest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compute the efficiency: the rate over that of the smallest pool, times its size, over one's own size."""
    first = rows[0]
    return [
        r | {"efficiency": r["cells_a_second"] / first["cells_a_second"] * first["actors"] / r["actors"]} for r in rows
    ]


def main() -> None:
    """Measure every size, strongly and weakly."""
    arguments = described(__doc__)
    arguments.add_argument("config", nargs="?")
    size = arguments.add_mutually_exclusive_group()
    size.add_argument("--gpus", metavar="N,N,…")
    size.add_argument("--actors", metavar="N,N,…", help="on CPUs")
    arguments.add_argument("--address", help="default: Ray is started here")
    arguments.add_argument("--out", help="default: a temporary folder")
    arguments.add_argument("--strong", type=int, help="shards in all")
    arguments.add_argument("--weak", type=int, help="shards per actor")
    arguments.add_argument("--set", action="append", dest="settings", metavar="KEY.PATH=VALUE")
    chosen = suite_options(arguments, "scaling")
    sizes = [int(size) for size in (chosen.gpus or chosen.actors).split(",")]
    settings = [*chosen.settings, f"runtime.device={'cuda' if chosen.gpus else 'cpu'}"]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("strong", "weak"):
            rows = []
            for actors in sizes:
                shards = chosen.strong if kind == "strong" else chosen.weak * actors
                out = f"{chosen.out or folder}/{kind}-{actors}.zarr"
                rows.append(_run(chosen.config, out, actors, shards, settings, chosen.address))
                print(kind, rows[-1], flush=True)
            results[kind] = _against_smallest(rows)
    save_result(f"scaling-{Path(chosen.config).stem}", results)
