"""Train under Ray with one worker, with two, and with one that is killed: all must learn the same.

    python -m bench training [--config configs/nuclei-2d.yaml] [--steps 200] [--precision no|bf16]

Prepares the config's real crops in a temporary workspace and trains MaskDDPM on them three times, batch 16, one thread
per worker, two logical CPUs. Losses, rates and waits are read from the TensorBoard events of each run. The killed run's
first worker gets `kill -9` half-way. Writes `bench/results/training.json` (or `training-bf16.json`).
"""

import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bench.common.environment import save_result
from bench.common.suite import described
from raysynth.actors.cluster import cluster
from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.config.reading import load
from raysynth.preparation.prepare import prepare_data
from raysynth.train.job import TrainingJob
from raysynth.train.ray_trainer import fit_on_ray
from raysynth.train.shipping import PreparedParcel

_POLL_S = 0.05


def _event_files(place: Path) -> list[Path]:
    """Find the event files of a run, one for each attempt, in order."""
    return sorted((place / "tensorboard").glob("events.*"), key=lambda path: path.stat().st_mtime)


def _series(file: Path, tag: str) -> dict[int, float]:
    """Read step and value of every event of one tag."""
    events = EventAccumulator(str(file), size_guidance={"scalars": 0})
    events.Reload()
    return {event.step: event.value for event in events.Scalars(tag)} if tag in events.Tags()["scalars"] else {}


def _kill_at(place: Path, step: int, ended: threading.Event) -> None:
    """Kill the process that writes a run's events as soon as they have come to `step`."""
    while not ended.wait(_POLL_S):
        files = _event_files(place)
        if files and max(_series(files[0], "loss"), default=0) >= step:
            os.kill(int(files[0].name.split(".")[-2]), signal.SIGKILL)
            return


def _run(config: Config, folder: Path, workers: int, kill_step: int | None = None) -> dict[str, Any]:
    """Train, perhaps with a kill; return the losses by step, the weights and the run's rates."""
    config = config.with_(storage=str(folder))
    places = Places.of(config)
    job, parcel = TrainingJob.of(config, "masks", places), PreparedParcel.pack(places.prepared, config.crops)
    place, ended = Path(job.storage), threading.Event()
    if kill_step:
        threading.Thread(target=_kill_at, args=(place, kill_step, ended)).start()
    fit_on_ray(job, parcel, workers, config.runtime.max_failures)
    ended.set()
    files = _event_files(place)
    losses = [_series(file, "loss") for file in files]
    # The first window holds what happens once.
    rates, waits = (list(_series(files[-1], tag).values())[1:] for tag in ("images_per_second", "data_wait"))
    last = max(losses[-1])
    state = torch.load(place / "checkpoints" / f"step-{last:08d}.pt", weights_only=True)
    return {
        "losses": {step: value for of_attempt in losses for step, value in of_attempt.items()},
        "weights": [*state["ema"]["shadow_params"], *state["model"].values()],
        "metrics": {
            "attempts": len(files),
            "steps_redone": sum(map(len, losses)) - last,
            "images_per_second": float(np.mean(rates)),
            "data_wait": float(np.mean(waits)),
        },
    }


def main() -> None:
    """Train three times and compare."""
    parser = described(__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/nuclei-2d.yaml"))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--precision", choices=("no", "bf16"), default="no", help="bf16 rounds half a batch otherwise")
    options = parser.parse_args()
    settings = {"steps": options.steps, "batch": 16, "threads": 1, "log_every": 5, "sample_every": options.steps}
    settings |= {
        "precision": f"'{options.precision}'",
        "checkpoint_every": max(options.steps // 4, 1),
        "warmup": options.steps // 10,
    }
    with tempfile.TemporaryDirectory() as folder, cluster():
        changes = [f"masks.train.{name}={value}" for name, value in settings.items()]
        config = load(options.config, [*changes, f"workspace={folder}/workspace", "runtime.device=cpu"])
        prepare_data(config.data, config.crops, config.shapes, Places.of(config).prepared)
        one, two = (_run(config, Path(folder, str(workers)), workers) for workers in (1, 2))
        killed = _run(config, Path(folder, "killed"), 1, kill_step=options.steps // 2)
    apart = [abs(two["losses"][step] / loss - 1) for step, loss in one["losses"].items()]
    results = {
        "steps": options.steps,
        "first_loss": one["losses"][1],
        "last_loss": one["losses"][options.steps],
        "largest_relative_difference_of_loss": max(apart),
        "one_worker": one["metrics"],
        "two_workers": two["metrics"],
        "killed": killed["metrics"]
        | {"weights_equal": all(map(torch.equal, one["weights"], killed["weights"])), "killed_at": options.steps // 2},
    }
    print(results)
    save_result("training" if options.precision == "no" else f"training-{options.precision}", results)
