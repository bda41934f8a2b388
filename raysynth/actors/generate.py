"""`raysynth generate`: from a bundle to a data set, or from half a data set to a whole one."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from raysynth.actors import attempts, lease, pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.cluster import cluster
from raysynth.actors.lease import Lease
from raysynth.actors.pipeline import Report, Synthesiser
from raysynth.actors.pool import plan
from raysynth.actors.sent_bundle import SentBundle, send
from raysynth.actors.work import CascadeFactory, ShardComposer
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.config import Config
from raysynth.store.dataset import RUNS, create_dataset, finalise, read_manifest
from raysynth.store.manifest import Manifest, canonical_json
from raysynth.store.marks import done_shards, record_failure
from raysynth.store.objects import Objects, local_folder
from raysynth.store.spec import DatasetSpec
from raysynth.train.run import bundle_folder

Track = Callable[[Iterator[Report], int], Iterable[Report]]
Factory = Callable[[SentBundle, Config, str], Callable[[], Synthesiser]]
VERSIONS = ("raysynth", "torch", "diffusers", "numpy", "scipy", "scikit-image", "zarr", "pyarrow")
# Settings that leave the bytes alone, or stand in the manifest by themselves. The bundle's hash stands for the data.
NOT_BYTES: dict[str, Any] = {
    "name": True,
    "bundle": True,
    "workspace": True,
    "storage": True,
    "data": True,
    "crops": True,
    "generate": {"out", "frames", "seed"},
    "runtime": {"device", "actors", "max_actors", "cpus_per_actor", "max_attempts", "max_failures"},
    **{model: {"train"} for model in ("masks", "views", "texture")},
}


def generate(
    config: Config,
    out: str | None = None,
    frames: int | None = None,
    seed: int | None = None,
    address: str | None = None,
    *,
    factory: Factory = CascadeFactory,
    track: Track = lambda reports, total: reports,
) -> dict[str, Any]:
    """Make the data set of `config`, go on with it where a run was cut off, or extend it to more frames.

    out, frames, seed: instead of those in `config.generate`. address: a Ray cluster; None: this machine.
    factory: what the actors run, given the bundle, the config and the device. track: wraps the stream of the
    given number of reports, for a progress bar.
    Returns the summary of the run; its `failed` gives the reason for each shard that could not be made.
    Raises InputError for a bad setting, bundle, target or cluster, and while another run writes the data set.
    """
    given = {"out": out, "frames": frames, "seed": seed}
    changed = config.generate.model_copy(update={name: value for name, value in given.items() if value is not None})
    bundle = open_bundle(config.bundle or str(bundle_folder(config)))
    config = bundle.resolve(config.model_copy(update={"generate": changed}))
    with cluster(address) as resources:
        pool = plan(resources, config.runtime)
        synthesiser = factory(send(bundle), config, pool.device)
        manifest = describe(config, bundle, pool.device)
        spec, uri = manifest.dataset, config.generate.out
        target = Objects(str(local_folder(uri) or uri), create=True)  # absolute: workers have folders of their own
        if target.holds_other_than(RUNS):
            read_manifest(target)  # a folder of something else is refused before a lease is left in it
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        with Lease(target, run):
            create_dataset(target.uri, manifest)
            pending = sorted(set(range(spec.shards)) - done_shards(target.uri))
            reports = pipeline.run(
                pending,
                synthesiser,
                ShardComposer(target, run, config, bundle.info.statistics, spec),
                Attempts(target, run, config.runtime.max_attempts),
                pool,
                config.runtime.threads,
            )
            summary = _follow(track(reports, len(pending)), target, run, asdict(pool))
    return {"dataset": target.uri, "run": run, "device": pool.device, "shards": spec.shards} | summary


def describe(config: Config, bundle: Bundle, device: str) -> Manifest:
    """The manifest of the data set that `config` and `bundle` give on a type of device."""
    dataset = DatasetSpec(
        frames=config.generate.frames,
        frame_shape=config.population.frame_px,
        dtype=bundle.info.statistics.dtype,
        voxel_um=config.data.voxel_um,
        frames_per_shard=config.generate.frames_per_shard,
        levels=config.generate.levels,
    )
    return Manifest(
        config=config.model_dump(mode="json", exclude=NOT_BYTES),
        bundle=bundle.digest,
        versions={package: version(package) for package in VERSIONS},
        device=device,
        seed=config.generate.seed,
        dataset=dataset,
    )


def _follow(reports: Iterable[Report], target: Objects, run: str, pool: dict[str, float]) -> dict[str, Any]:
    """Record what becomes of each shard, then finish the data set; returns the run's summary."""
    clock = time.monotonic()
    record: dict[str, Any] = {"run": run, "started": _now(), "pool": pool, "shards": []}
    try:
        for report in reports:
            record["shards"].append(asdict(report))
            if report.reason is not None:
                record_failure(target.uri, report.shard, report.reason)
            lease.require(target, run)
        counts = finalise(target.uri).counts
        attempts.clear(target)
        record["summary"] = pool | summarise(record["shards"], counts, time.monotonic() - clock)
    finally:
        target.put(f"{RUNS}{run}.json", canonical_json(record | {"ended": _now()}))
    return record["summary"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def summarise(shards: list[dict[str, Any]], counts: dict[str, int], elapsed: float) -> dict[str, Any]:
    """Figures of a run from its shards' reports: what it made, what failed and why, and where the time went.

    counts: totals of the whole data set. `reuse` is how often each cell of it is placed, on average.
    """
    failed = {shard["shard"]: shard["reason"] for shard in shards if shard["reason"] is not None}
    made = [shard for shard in shards if shard["reason"] is None]
    seconds: Counter[str] = Counter()
    for shard in shards:
        seconds.update(shard["seconds"])
    return {
        "made": len(made),
        "failed": failed,
        "counts": counts,
        "reuse": round(counts["uses_placed"] / counts["cells"], 3) if counts.get("cells") else None,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "elapsed": round(elapsed, 3),
        "cells_per_second": round(sum(shard["counts"]["cells"] for shard in made) / elapsed, 3),
    }
