"""`prepare`: real frames in, single-cell crops and population statistics out."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np

from raysynth.base.progress import Progress, no_progress
from raysynth.config import CropConfig, DataConfig, ShapesConfig
from raysynth.data.splits import split_frames
from raysynth.preparation.found_frames import JudgedFrames, judge_frames, with_backgrounds
from raysynth.preparation.intensity import fit_intensity
from raysynth.preparation.measure import FrameMeasures, measure_frame, population_statistics
from raysynth.preparation.prepare_report import PrepareReport, SplitCounts, UnreadCounts
from raysynth.preparation.prepared_writing import write_prepared
from raysynth.preparation.regions import fit_regions
from raysynth.preparation.shapes import measure_shapes
from raysynth.preparation.split_crops import SplitCrops
from raysynth.preparation.statistics import Region


def prepare_data(
    data: DataConfig, crops: CropConfig, shapes: ShapesConfig, folder: str | Path, progress: Progress = no_progress
) -> PrepareReport:
    """Crop every labelled cell, measure the population, and write both.

    Parameters
    ----------
    data
        Settings of the real data. The test split is listed and counted, its pixels are not read.
    crops
        Settings of the crops.
    shapes
        Settings of the shapes: the highest degree that is measured.
    folder
        Folder to write, in the place of what it holds. It appears whole or not at all.
    progress
        Called after each reading of a frame; every frame is read twice.

    Returns
    -------
    PrepareReport
        What was found.

    Raises
    ------
    InputError
        For unusable data, and a folder that cannot be written.
    """
    splits = split_frames(data)
    finished = _counted(progress, 2 * (len(splits.train) + len(splits.validation)))
    frames = judge_frames(splits, data, crops, finished)
    train, measures = _crop_and_measure(frames, data, finished)
    validation = _crop(frames, data, finished)
    # Fitted to training crops alone, and to all of them: so brightness comes after the last frame was read.
    intensity = fit_intensity(np.stack(train.images), np.stack(train.masks), crops.intensity)
    for split in (train, validation):
        split.add_brightness(intensity)
    # Shapes and sizes are those of whole cells; what a border cuts would pass for small or flat.
    used = [cell for found in frames.train for cell in found.used]
    spectrum = measure_shapes(used, shapes.max_degree, data)
    statistics = population_statistics(measures, used, train.outline_rows, intensity, spectrum, frames.side_px, data)
    report = PrepareReport(
        frames.side_px,
        SplitCounts.of(frames.train, train),
        SplitCounts.of(frames.validation, validation),
        UnreadCounts(len(splits.test)),
    )
    # They go into the folder with the crops, so statistics and crops can never be of two runs.
    documents = {"statistics.json": statistics.to_json(), "report.json": json.dumps(report.to_json(), indent=1) + "\n"}
    write_prepared(folder, {"train": train, "validation": validation}, intensity, documents)
    return report


def _counted(progress: Progress, total: int) -> Callable[[], None]:
    """Make a callback that counts how often it was called."""
    done = count(1)
    return lambda: progress(next(done), total)


def _crop_and_measure(
    frames: JudgedFrames, data: DataConfig, finished: Callable[[], None]
) -> tuple[SplitCrops, list[FrameMeasures]]:
    """Read the training frames, the regions of their cells first."""
    regions: list[Region | None] = [None] * len(frames.train)
    if data.split.by != "region":  # a strip of a frame does not show what its cells keep to
        regions = fit_regions([found.cells for found in frames.train], [found.shape for found in frames.train])
    crops, measures, side = SplitCrops(), [], frames.side_px
    for (found, pixels, background), region in zip(with_backgrounds(frames.train, side), regions, strict=True):
        measures.append(measure_frame(found.frame.name, pixels, background, found.cells, region, data))
        crops.add(found, pixels, background, side, data)
        finished()
    return crops, measures


def _crop(frames: JudgedFrames, data: DataConfig, finished: Callable[[], None]) -> SplitCrops:
    """Read the validation frames."""
    crops = SplitCrops()
    for found, pixels, background in with_backgrounds(frames.validation, frames.side_px):
        crops.add(found, pixels, background, frames.side_px, data)
        finished()
    return crops
