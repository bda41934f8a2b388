"""Which frames score a table, and how: SEG of the Cell Tracking Challenge (see `raysynth.measures.seg`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError
from raysynth.config import DataConfig, SplitConfig
from raysynth.data.ctc import ctc_frames
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames
from raysynth.measures.overlaps import overlap
from raysynth.preparation.cells import find_cells

Split = Literal["test", "validation"]
"""The split that scores a table: the report is on the test split, settings are chosen on the validation split."""


def scored_frames(data: DataConfig, reference: str | None, split: Split = "test") -> tuple[Frame, ...]:
    """List the labelled frames that score a table, not read yet.

    Parameters
    ----------
    data
        The real data.
    reference
        Label folder of the test split's CTC sequences; None: that of `data`.
    split
        "validation": the validation split, with the labels that training has.

    Returns
    -------
    tuple of Frame
        At least one.

    Raises
    ------
    InputError
        Without a test frame, and where a sequence has no labels in `reference`.
    """
    splits = split_frames(data)
    if split == "validation":
        return splits.validation
    if not splits.test:
        raise InputError(f"data.split leaves no frame of {data.root} to test: name some in data.split.test.")
    return splits.test if reference is None else _with_labels_of(splits.test, data, reference)


def _with_labels_of(test: Sequence[Frame], data: DataConfig, reference: str) -> tuple[Frame, ...]:
    """List the frames of the test sequences that have labels in another folder."""
    # A reference may label other frames of a test sequence than the split lists: all that it labels count.
    other = data.with_(label_folder=reference, split=SplitConfig())
    sequences = {frame.group for frame in test}
    found = tuple(frame for frame in ctc_frames(other) if frame.group in sequences)
    if missing := sequences - {frame.group for frame in found}:
        folder = Path(data.root) / reference.format(sequence=min(missing))
        raise InputError(f"{folder} holds no labels, but evaluate.reference names it: fetch them or set it to null.")
    return found


def jaccards(pixels: Pixels, predicted: Labels) -> list[float]:
    """Compute what each reference cell of a frame adds to SEG.

    Parameters
    ----------
    pixels
        The frame. Only cells of its own columns count, and only annotated slices.
    predicted
        Labels that were found, of the image's shape.

    Returns
    -------
    list of float
        Jaccard index of each cell, 0 without a match.
    """
    labels = pixels.labels
    # Cells of another split count neither as missed nor as found.
    if pixels.columns != (0, labels.shape[-1]):
        labels = np.where(np.isin(labels, [cell.label for cell in find_cells(pixels)]), labels, 0).astype(np.uint32)
    pairs = [(labels, predicted)] if pixels.slices is None else [(labels[z], predicted[z]) for z in pixels.slices]
    return [float(score) for pair in pairs for score in overlap(*pair).jaccard()]


def mean_seg(scores: Sequence[Sequence[float]]) -> float:
    """Compute SEG of some frames.

    Parameters
    ----------
    scores
        Jaccard indices of the cells of each frame.

    Returns
    -------
    float
        Mean over all cells, 0 to 1.

    Raises
    ------
    InputError
        When no frame holds a cell.
    """
    # Over cells, not over the means of frames: a frame with more cells weighs more, as the challenge has it.
    cells = [score for frame in scores for score in frame]
    if not cells:
        raise InputError("the frames that score the networks hold no labelled cell: change data.split.")
    return float(np.mean(cells))
