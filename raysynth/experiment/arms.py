"""One training of one arm, and its scores on the test split; both kept in the table's folder, whole or not at all.

records/SET/      training images with flows, a file a frame (`raysynth.experiment.training_set`)
runs/KEY.pt       weights of one row and seed, and beside them KEY.json: validation curve, images, seconds
test/KEY.json     Jaccard index of every reference cell; KEY.npz: one frame to be shown; validation/ likewise
"""

import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from raysynth.base.staging import whole_file
from raysynth.config import Config
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames, spread
from raysynth.experiment import networks
from raysynth.experiment.networks import State
from raysynth.experiment.predict import Labels, Prediction, segment
from raysynth.experiment.protocol import Part, Row, jaccards, mean_seg, scored_frames
from raysynth.experiment.training_set import Source, TrainingSet, subset

REAL = "real"


@dataclass(frozen=True)
class Job:
    """One row and seed of the table in `folder`.

    scale: resizing of all images. frames: of each set in `records`, by name. device: of torch.
    start: file of the weights to start from. part: of the real data that scores it.
    """

    config: Config
    folder: Path
    row: Row
    seed: int
    scale: float
    frames: dict[str, int]
    device: str = "cpu"
    start: Path | None = None
    part: Part = "test"

    @property
    def key(self) -> str:
        """Names the files of this row and seed."""
        return f"{self.row.key}.seed{self.seed}"

    @property
    def run(self) -> Path:
        """What is kept of the training."""
        return self.folder / "runs" / f"{self.key}.json"

    @property
    def scores(self) -> Path:
        """What is kept of the scoring."""
        return self.folder / self.part / f"{self.key}.json"

    @property
    def tile_px(self) -> int:
        """Side of a tile."""
        return self.config.evaluate.tile_px or networks.TILE_PX[self.config.evaluate.network]

    def start_state(self) -> State | None:
        """The weights to start from."""
        return None if self.start is None else networks.read_weights(self.start, self.config.evaluate)


def sources(job: Job) -> list[Source]:
    """The sets that a row trains on; the seed draws the frames where not all of them train."""
    records, share = job.folder / "records", job.config.evaluate.real_fraction
    found = []
    if job.row.arm in ("real", "both"):
        frames = subset(job.seed, 0, job.frames[REAL], job.row.real_frames)
        found.append(Source(records / REAL, frames, share if job.row.arm == "both" else 1.0))
    if job.row.synthetic is not None:
        count = job.frames[job.row.synthetic]
        most = job.row.synthetic_frames or job.config.evaluate.synthetic_frames
        frames = subset(job.seed, 1, count, most)
        found.append(Source(records / job.row.synthetic, frames, 1 - share if found else 1.0))
    return found


def train(job: Job) -> None:
    """Train one row and seed, and keep the weights of its best validation; `none` only validates the start weights."""
    config, begun = job.config.evaluate, time.monotonic()
    torch.set_num_threads(config.threads)
    validation = spread(split_frames(job.config.data).validation, config.validation_frames)
    pixels = [frame.read() for frame in validation]
    start = job.start_state()
    network = networks.build(config, job.seed, start)
    record: dict[str, Any] = {"images": []}
    if job.row.arm == "none" and start is not None:
        trained = networks.Trained(start, 0, [(0, _validate(job, pixels, network.to(job.device)))])
    else:
        data = TrainingSet(sources(job), job.seed, job.tile_px, config.batch)
        trained = networks.fit(network, data, config, partial(_validate, job, pixels), job.device)
        record = {"images": data.images, "gain_in_last_quarter": networks.gain_at_the_end(trained.curve)}
    job.run.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(job.run.with_suffix(".pt")) as path, path.open("wb") as file:
        torch.save(trained.state, file)  # into a file: given a path, torch writes its name into it
    record |= {"row": job.row.title, "seed": job.seed, "step": trained.step, "curve": trained.curve}
    _keep(job.run, record | {"validation": dict(trained.curve)[trained.step], "seconds": time.monotonic() - begun})


def _validate(job: Job, frames: list[Pixels], network: nn.Module) -> float:
    """SEG on the validation frames."""
    return mean_seg([jaccards(pixels, _segment(job, network, pixels)) for pixels in frames])


def _segment(job: Job, network: nn.Module, pixels: Pixels) -> Labels:
    settings = job.config.evaluate
    return segment(
        network,
        pixels.image,
        Prediction(job.scale, job.tile_px, settings.stitch, job.device, settings.precision),
    )


def score(job: Job) -> None:
    """Score the kept weights of one row and seed on `job.part`, and keep the Jaccard index of every cell."""
    begun = time.monotonic()
    torch.set_num_threads(job.config.evaluate.threads)
    state = networks.read_weights(job.run.with_suffix(".pt"), job.config.evaluate)
    network = networks.build(job.config.evaluate, job.seed, state).to(job.device)
    frames, shown = [], None
    for frame in scored_frames(job.config.data, job.config.evaluate.reference, job.part):
        pixels = frame.read()
        predicted = _segment(job, network, pixels)
        frames.append(_frame_record(frame, jaccards(pixels, predicted), predicted))
        shown = shown or _picture(pixels, predicted)
    job.scores.parent.mkdir(parents=True, exist_ok=True)
    if shown is not None and job.seed == 0:
        with whole_file(job.scores.with_suffix(".npz")) as path:
            np.savez_compressed(path, **shown)
    seg = mean_seg([frame["jaccard"] for frame in frames])
    _keep(job.scores, {"seg": seg, "frames": frames, "seconds": time.monotonic() - begun})


def _frame_record(frame: Frame, scores: list[float], predicted: Labels) -> dict[str, Any]:
    return {"name": frame.name, "jaccard": scores, "predicted": int(np.count_nonzero(np.unique(predicted)))}


def _picture(pixels: Pixels, predicted: Labels) -> dict[str, Any] | None:
    """Image, reference and prediction `(y, x)` of a frame that has cells, in the slice with most of them."""
    if not pixels.labels.any():
        return None
    image, labels = pixels.image, pixels.labels
    if image.ndim == 3:
        z = int(np.count_nonzero(labels, axis=(1, 2)).argmax())
        image, labels, predicted = image[z], labels[z], predicted[z]
    return {"image": image, "reference": labels, "predicted": predicted}


def _keep(path: Path, record: dict[str, Any]) -> None:
    with whole_file(path) as staged:
        staged.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
