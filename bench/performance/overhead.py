"""Measure what the pipeline itself costs: stages of fixed time, on one actor and on many.

    python -m bench overhead [--suite YAML] [--actors 1 4 16 32] [--shards 20]

The GPU stage sleeps 2 s per shard and composition 0.5 s; actors import no torch. Each actor gets `--shards` shards, on
a local Ray cluster of nodes of 16 logical CPUs. Start-up is the time until the first actor and until every actor works.
Efficiency is the fraction of the actors' time spent in shards after that, until the last shard began. For one actor,
the whole run stands beside a plain loop of the same stages. Writes `bench/results/overhead.json`.
"""

import logging
import math
import tempfile
import time
from typing import Any

import ray
from ray.cluster_utils import Cluster

from bench.common.environment import save_result
from bench.common.fixed_cost import Ellipses, Sleeping
from bench.common.suite import described, suite_options
from raysynth.actors import pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.pipeline import Synthesis
from raysynth.actors.pool import Pool
from raysynth.actors.shard_outcome import ShardOutcome
from raysynth.base.objects import Objects

_SYNTHESIS_S, _COMPOSITION_S, _CELLS = 2.0, 0.5, 25
_NODE_CPUS = 16


def _measure(actors: int, shards: int) -> dict[str, float]:
    """Run `shards` shards per actor, on a cluster just large enough."""
    composers = math.ceil(actors * _COMPOSITION_S / _SYNTHESIS_S) + 1
    nodes = math.ceil((actors + composers) / _NODE_CPUS)
    cluster = Cluster()
    for _ in range(nodes):
        cluster.add_node(num_cpus=_NODE_CPUS, object_store_memory=100 * 2**20)
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.time()
            reports = list(_run(folder, actors, shards * actors))
            return _metrics(reports, begun, time.time(), actors) | {"nodes": nodes, "composers": composers}
    finally:
        ray.shutdown()
        cluster.shutdown()


def _run(folder: str, actors: int, shards: int) -> Any:
    factory, attempts = Ellipses(0, _CELLS, _SYNTHESIS_S, traced=True), Attempts(Objects(folder), "run", 5)
    synthesis = Synthesis(lambda: factory, Pool(actors, actors, cpus=1, gpus=0))
    return pipeline.run(range(shards), Sleeping(_COMPOSITION_S), attempts, 1, synthesis)


def _metrics(reports: list[ShardOutcome], begun: float, ended: float, actors: int) -> dict[str, float]:
    """Compute start-up and efficiency of one run."""
    spans = [(r.counts["process"], *r.times["synthesise"]) for r in reports]
    first = {process: min(start for p, start, _ in spans if p == process) for process, _, _ in spans}
    ready, last = max(first.values()), max(start for _, start, _ in spans)
    busy = sum(max(0.0, min(end, last) - max(start, ready)) for _, start, end in spans)
    return {
        "actors": actors,
        "shards": len(reports),
        "failed": sum(r.reason is not None for r in reports),
        "first_actor_s": min(first.values()) - begun,
        "every_actor_s": ready - begun,
        "efficiency": busy / (actors * (last - ready)),
        "after_startup_s": ended - min(first.values()),
        "waits_s": sum(r.times["compose"][0] - r.times["synthesise"][1] for r in reports) / len(reports),
    }


def _plain_loop(shards: int) -> float:
    """Time the same stages, one after the other, without Ray."""
    synthesise, compose = Ellipses(0, _CELLS, _SYNTHESIS_S), Sleeping(_COMPOSITION_S)
    started = time.perf_counter()
    for shard in range(shards):
        made = synthesise(shard)
        compose(shard, made.cells, made.counts)
    return time.perf_counter() - started


def main() -> None:
    """Measure every size of the pool."""
    arguments = described(__doc__)
    arguments.add_argument("--actors", type=int, nargs="+")
    arguments.add_argument("--shards", type=int, help="per actor")
    chosen = suite_options(arguments, "overhead")
    results: dict[str, Any] = {"plain_loop_s": _plain_loop(chosen.shards), "runs": []}
    for actors in chosen.actors:
        row = _measure(actors, chosen.shards)
        if actors == 1:
            row["plain_loop_over_run"] = results["plain_loop_s"] / row["after_startup_s"]
        results["runs"].append(row)
        print(row, flush=True)
    save_result("overhead", results)
