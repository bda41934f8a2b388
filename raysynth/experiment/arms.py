"""Training one arm, and scoring it on a split; both are kept in the table's folder, whole or not at all."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from raysynth.base.arrays import Labels
from raysynth.base.sampling import evenly_spaced
from raysynth.base.staging import whole_file
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames
from raysynth.experiment.jobs import Job
from raysynth.experiment.network_training import TrainedNetwork, gain_at_the_end, train_network
from raysynth.experiment.networks import NetworkWeights, build_network, read_weights, tile_side_of
from raysynth.experiment.predict import Prediction, segment
from raysynth.experiment.scoring import jaccards, mean_seg, scored_frames
from raysynth.experiment.training_set import TrainingSet


def train_arm(job: Job) -> None:
    """Train one row and seed, and keep the weights of its best validation.

    The arm `none` only validates the weights it starts from.

    Parameters
    ----------
    job
        The row and seed.

    Raises
    ------
    InputError
        For weights that do not fit, for a set without cells, and for validation frames without cells.
    """
    begun = time.monotonic()
    torch.set_num_threads(job.settings.threads)
    start = job.start_weights()
    network = build_network(job.settings, job.seed, start)
    validate = partial(_validate, job, _validation_pixels(job))
    if job.row.arm == "none" and start is not None:
        trained, about = _untrained(start, validate(network.to(job.device)))
    else:
        data = TrainingSet(job.sources(), job.seed, tile_side_of(job.settings), job.settings.batch)
        trained = train_network(network, data, job.settings, validate, job.device)
        about = {"images": data.images, "gain_in_last_quarter": gain_at_the_end(trained.curve)}
    # The weights before their description: a job counts as trained once that is there.
    with whole_file(job.weights) as path, path.open("wb") as file:
        torch.save(trained.weights, file)  # into a file: given a path, torch writes its name into it
    about |= {"row": job.row.title, "seed": job.seed, "step": trained.step, "curve": trained.curve}
    _keep(job.run, about | {"validation": dict(trained.curve)[trained.step], "seconds": time.monotonic() - begun})


def _untrained(start: NetworkWeights, seg: float) -> tuple[TrainedNetwork, dict[str, Any]]:
    return TrainedNetwork(start, 0, [(0, seg)]), {"images": []}


def _validation_pixels(job: Job) -> list[Pixels]:
    """Read the validation frames, evenly spaced where not all of them count."""
    frames = split_frames(job.data).validation
    return [frames[i].read() for i in evenly_spaced(len(frames), job.settings.validation_frames)]


def _validate(job: Job, frames: list[Pixels], network: nn.Module) -> float:
    """Compute SEG on the validation frames."""
    return mean_seg([jaccards(pixels, _segment(job, network, pixels)) for pixels in frames])


def _segment(job: Job, network: nn.Module, pixels: Pixels) -> Labels:
    settings = job.settings
    how = Prediction(job.scale, tile_side_of(settings), settings.stitch, job.device, settings.precision)
    return segment(network, pixels.image, how)


def score_arm(job: Job) -> None:
    """Score the kept weights of one row and seed, and keep the Jaccard index of every cell.

    Parameters
    ----------
    job
        The row and seed, and the split that scores it.

    Raises
    ------
    InputError
        Without a labelled frame or cell.
    """
    begun = time.monotonic()
    torch.set_num_threads(job.settings.threads)
    weights = read_weights(job.weights, job.settings)
    network = build_network(job.settings, job.seed, weights).to(job.device)
    frames, shown = [], None
    for frame in scored_frames(job.data, job.settings.reference, job.split):
        pixels = frame.read()
        predicted = _segment(job, network, pixels)
        frames.append(_frame_record(frame, jaccards(pixels, predicted), predicted))
        shown = shown or _picture(pixels, predicted)
    # One picture of each row is enough.
    if shown is not None and job.seed == 0:
        with whole_file(job.picture) as path:
            np.savez_compressed(path, **shown)
    seg = mean_seg([frame["jaccard"] for frame in frames])
    # Last, after the picture: a job counts as scored once this file is there.
    _keep(job.scores, {"seg": seg, "frames": frames, "seconds": time.monotonic() - begun})


def _frame_record(frame: Frame, scores: list[float], predicted: Labels) -> dict[str, Any]:
    return {"name": frame.name, "jaccard": scores, "predicted": int(np.count_nonzero(np.unique(predicted)))}


def _picture(pixels: Pixels, predicted: Labels) -> dict[str, NDArray[Any]] | None:
    """Take image, reference and prediction `(y, x)` of a frame that has cells, in the slice with most of them."""
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
