"""Check that one config gives the same bytes, whatever happens on the way.

    python -m bench sameness 2d=configs/nuclei-2d.yaml 3d=configs/embryo-3d.yaml [--set KEY.PATH=VALUE ...]

For each config, on small frames with few cells and few steps, 10 shards are made: by a reference run, by a second run,
by 1 and by 2 actors, and by a run that is broken 5 times with kill -9, at random moments. What is killed is the driver
with all its processes, after which it is started again, or one random Ray worker, which the run must survive. All
objects outside `runs/` are compared with the reference's. Writes `bench/results/sameness.json`.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.common.environment import save_result
from bench.common.processes import title
from bench.common.same_bytes import differing, hashes
from bench.common.suite import described
from raysynth.base.errors import InputError
from raysynth.base.lease import read_lease
from raysynth.base.objects import Objects
from raysynth.cascade.bundle import open_bundle, save_info
from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.config.reading import load
from raysynth.store.marks import done_shards
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify_dataset

_SHARDS, _KILLS, _LATEST_S = 10, 5, 1.0
_SMALL = {
    "2d": (
        "population.frame_px=[160, 160]",
        "population.cells=[4, 8]",
        "generate.cells_per_shard=6",
        "generate.frames_per_shard=2",
        "masks.sampler_steps=8",
        "masks.batch=4",
        "texture.sampler_steps=4",
        "texture.batch=4",
    ),
    "3d": (
        "population.frame_px=[51, 96, 96]",
        "population.cells=[3, 6]",
        "generate.cells_per_shard=3",
        "generate.frames_per_shard=1",
        "masks.sampler_steps=8",
        "masks.batch=4",
        "views.sampler_steps=6",
        "views.batch=2",
        "surface.steps=60",
        "surface.batch=2",
        "texture.sampler_steps=4",
        "gate.min_iou=0.9",
        "gate.min_kept=0.3",
    ),
}


def _strict_bundle(config: Config, folder: Path) -> Path:
    """Copy the config's bundle with limits that refuse the smallest and largest masks, so that draws repeat."""
    bundle = open_bundle(config.bundle or Places.of(config).bundle)
    limits = bundle.info.mask_limits
    area = bundle.info.statistics.cells.area_px.at([0.25, 0.75])
    limits = limits.model_copy(update={"area_px": (float(area[0]), float(area[1]))})
    shutil.copytree(bundle.folder, folder)
    save_info(folder, bundle.info.model_copy(update={"mask_limits": limits}))
    return folder


@dataclass(frozen=True)
class _Job:
    """One data set to make: the command without its output, and where all outputs of the job go."""

    config: str
    settings: tuple[str, ...]
    frames: int
    folder: Path

    def start(self, name: str, *settings: str) -> "subprocess.Popen[bytes]":
        """Start `raysynth generate` into the data set `name`, in a process group of its own."""
        command = [sys.executable, "-m", "raysynth", "generate", self.config, "--out", str(self.folder / name)]
        command += ["--frames", str(self.frames)]
        for setting in (*self.settings, *settings):
            command += ["--set", setting]
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def run(self, name: str, *settings: str) -> float:
        """Make the data set `name` without disturbance; return the seconds it took."""
        started = time.monotonic()
        if code := self.start(name, *settings).wait():
            raise RuntimeError(f"the run {name} ended with code {code}: see {self.folder / name}.log")
        return time.monotonic() - started

    def begun(self, name: str, process: "subprocess.Popen[bytes]") -> bool:
        """Whether a driver has taken the lease of its data set."""
        holder = read_lease(Objects(str(self.folder / name), create=True))
        return holder is not None and holder.pid == process.pid

    def done(self, name: str) -> int:
        """Count the finished shards."""
        folder = self.folder / name
        return len(done_shards(Objects(folder))) if folder.is_dir() else 0


def _broken_run(job: _Job, name: str, rng: random.Random) -> list[dict[str, object]]:
    """Make the data set `name` through `_KILLS` kills; return victims, moments, and how long workers outlived them.

    A kill comes up to `_LATEST_S` after a run has begun and a number of shards is done, spread over the run at random.
    """
    kills: list[dict[str, object]] = []
    process = job.start(name)
    for shards in sorted(rng.sample(range(_SHARDS - 2), _KILLS)):
        while not (job.begun(name, process) and job.done(name) >= shards) and process.poll() is None:
            time.sleep(0.1)
        time.sleep(rng.uniform(0, _LATEST_S))
        # Whatever the draw, the first kill hits the driver and the second a worker: both are always tried.
        whole = [True, False][len(kills)] if len(kills) < 2 else rng.random() < 0.6
        kills.append({"victim": "driver and all its processes" if whole else "worker", "done": job.done(name)})
        if process.poll() is not None:
            raise RuntimeError(f"the run {name} ended before it was killed {_KILLS} times: give it more shards")
        if whole:
            kills[-1]["outlived_s"] = round(_kill_driver(process), 2)
            process = job.start(name)
        else:
            kills[-1]["victim"] = _kill_worker(process, rng)
    if code := process.wait():
        raise RuntimeError(f"the resumed run {name} ended with code {code}: see {job.folder / name}.log")
    return kills


def _kill_driver(process: "subprocess.Popen[bytes]") -> float:
    """Kill a driver's process group; return the seconds until the last of its descendants was gone."""
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    started = time.monotonic()
    psutil.wait_procs(family, timeout=120)
    return time.monotonic() - started


def _kill_worker(process: "subprocess.Popen[bytes]", rng: random.Random) -> str:
    """Kill one random worker of a driver that is at work, once there is one; return what it was doing."""
    while process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        titles = {one: title(one) for one in family}
        workers = sorted(
            (one for one, title in titles.items() if title.startswith("ray::Map")), key=lambda one: one.pid
        )
        if workers:
            victim = rng.choice(workers)
            victim.kill()
            return titles[victim]
        time.sleep(0.2)
    return "none: the run had ended"


def _compare(job: _Job, reference: dict[str, str], name: str) -> dict[str, object]:
    """Whether the data set `name` has the reference's objects, byte for byte."""
    made = hashes(str(job.folder / name))
    changed = differing(reference, made)
    report = verify_dataset(Dataset(job.folder / name))
    return {"same": not changed, "verified": report.ok, "objects": len(made), "differing": changed[:5]}


def _measure(job: _Job, seed: int) -> dict[str, object]:
    """Make all runs of one config."""
    seconds = {"reference": job.run("reference")}
    reference = hashes(str(job.folder / "reference"))
    seconds["second run"] = job.run("second run")
    seconds["1 actor"] = job.run("1 actor", "runtime.actors=1")
    seconds["2 actors"] = job.run("2 actors", "runtime.actors=2")
    runs: dict[str, dict[str, object]] = {
        name: _compare(job, reference, name) | {"seconds": round(seconds[name], 1)} for name in list(seconds)[1:]
    }
    rng = random.Random(seed)
    kills = _broken_run(job, "broken", rng)
    runs["broken"] = _compare(job, reference, "broken") | {"kills": kills}
    target = Objects(str(job.folder / "reference"))
    return {
        "shards": job.done("reference"),
        "bytes": sum(len(target.get(key)) for key in reference),
        "counts": json.loads(target.get("manifest.json"))["counts"],
        "reference_s": round(seconds["reference"], 1),
        "runs": runs,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every config named on the command line."""
    parser = described(__doc__)
    parser.add_argument("configs", nargs="+", metavar="2d=CONFIG or 3d=CONFIG")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY.PATH=VALUE")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and victims of the kills")
    parser.add_argument("--keep", type=Path, help="folder that keeps the data sets and logs")
    options = parser.parse_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp())
    results = {}
    for pair in options.configs:
        kind, _, config = pair.partition("=")
        if kind not in _SMALL or not config:
            raise InputError(f"{pair}: write 2d=CONFIG or 3d=CONFIG")
        frames = _SHARDS * (2 if kind == "2d" else 1)
        settings = (*_SMALL[kind], *options.settings)
        place = folder / kind
        place.mkdir(parents=True)
        strict = _strict_bundle(load(Path(config), settings), place / "bundle")
        job = _Job(config, (*settings, f"bundle={strict}"), frames, place)
        results[kind] = _measure(job, options.seed)
        print(kind, json.dumps(results[kind], indent=1), flush=True)
    save_result("sameness", results)
    if options.keep is None:
        shutil.rmtree(folder)
