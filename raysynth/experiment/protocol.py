"""The protocol of `raysynth evaluate table`: its arms, and which frames score them.

The arms are the paper's: a network as it is (none), trained on real frames, on synthetic ones, on both. Its ablations
are further synthetic sets with names of their own. SEG is the Cell Tracking Challenge's (`raysynth.measures.seg`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.config import DataConfig, EvaluateConfig, SplitConfig
from raysynth.data.ctc import ctc_frames
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames
from raysynth.measures.seg import overlap
from raysynth.preparation.cells import find_cells

CURVE = (1, 2, 5)
"""Real frames of the few-frame curve, before all of them."""

Labels = NDArray[np.uint32]
Part = Literal["test", "validation"]
"""What a table scores: its report is on the test split, settings are chosen on the validation split."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    synthetic: the set's name, for the arms that have one. real_frames, synthetic_frames: None for all that the settings
    let train.
    """

    arm: str
    synthetic: str | None = None
    real_frames: int | None = None
    synthetic_frames: int | None = None

    @property
    def key(self) -> str:
        """Names the row's files."""
        counts = {"real": self.real_frames, "synthetic": self.synthetic_frames}
        parts = [self.arm, self.synthetic, *(f"{kind}{count}" for kind, count in counts.items() if count is not None)]
        return ".".join(part for part in parts if part is not None)

    @property
    def title(self) -> str:
        """What the table calls it."""
        counts = {"real": self.real_frames, "synthetic": self.synthetic_frames}
        frames = [f", {kind} frames: {count}" for kind, count in counts.items() if count is not None]
        return self.arm + (f" ({self.synthetic})" if self.synthetic else "") + "".join(frames)


def rows(
    config: EvaluateConfig, synthetic: Sequence[str], curve: bool, real: int, synthetic_curve: Sequence[int] = ()
) -> list[Row]:
    """The rows of a table, in order.

    synthetic: names of the synthetic sets, the main one first. curve: also few real frames. real: how many there are.
    synthetic_curve: also these numbers of frames of the main synthetic set.
    """
    limit = None if config.real_frames is None or config.real_frames >= real else config.real_frames
    found = []
    for arm in config.arms:
        if arm in ("none", "real"):
            found.append(Row(arm, None, limit if arm == "real" else None))
        else:
            found += [Row(arm, name, limit if arm == "both" else None) for name in synthetic]
    for count in (n for n in CURVE if curve and n < real):
        found += [Row("real", None, count)] + [Row("both", name, count) for name in synthetic[:1]]
    for count in synthetic_curve:
        found += [Row("synthetic", synthetic[0], None, count), Row("both", synthetic[0], limit, count)]
    return list(dict.fromkeys(found))


def named_sets(given: Sequence[str]) -> dict[str, str]:
    """Synthetic sets by name from `NAME=ADDRESS`; a bare address is called "synthetic".

    Raises InputError for a name that is given twice or cannot be one.
    """
    sets: dict[str, str] = {}
    for text in given:
        name, equals, place = text.partition("=")
        if not equals or "/" in name:
            name, place = "synthetic", text
        if not re.fullmatch(r"[\w-]+", name) or name == "real" or name in sets or not place:
            raise InputError(
                f"--synthetic {text}: give each set a name of its own, as in NAME=DATASET, other than real"
            )
        sets[name] = place
    return sets


def frame_counts(given: str) -> list[int]:
    """Numbers of frames from `N,N,...`, ascending; InputError for anything else."""
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", given):
        raise InputError(f"--synthetic-curve {given}: give numbers of frames with commas between, as in 10,30,100")
    return sorted({int(count) for count in given.split(",")})


def seeds_of(row: Row, config: EvaluateConfig) -> range:
    """The seeds of a row; untrained weights are the same for all."""
    return range(1 if row.arm == "none" else config.seeds)


def scored_frames(data: DataConfig, reference: str | None, part: Part = "test") -> tuple[Frame, ...]:
    """The labelled frames of the test split, not read yet; of CTC sequences those of the label folder `reference`.

    part "validation": the validation split, with the labels that training has. Raises InputError without a test frame.
    """
    if part == "validation":
        return split_frames(data).validation
    test = split_frames(data).test
    if not test:
        raise InputError(f"data.split leaves no frame of {data.root} to test: name some in data.split.test.")
    if reference is None:
        return test
    gold = data.model_copy(update={"label_folder": reference, "split": SplitConfig()})
    sequences = {frame.group for frame in test}
    found = tuple(frame for frame in ctc_frames(gold) if frame.group in sequences)
    if missing := sequences - {frame.group for frame in found}:
        folder = Path(data.root) / reference.format(sequence=min(missing))
        raise InputError(f"{folder} holds no labels, but evaluate.reference names it: fetch them or set it to null.")
    return found


def jaccards(pixels: Pixels, predicted: Labels) -> list[float]:
    """What each reference cell of a frame adds to SEG: those of the frame's columns, in annotated slices alone."""
    labels = pixels.labels
    if pixels.columns != (0, labels.shape[-1]):
        labels = np.where(np.isin(labels, [cell.label for cell in find_cells(pixels)]), labels, 0).astype(np.uint32)
    pairs = [(labels, predicted)] if pixels.slices is None else [(labels[z], predicted[z]) for z in pixels.slices]
    return [float(score) for pair in pairs for score in overlap(*pair).jaccard()]


def mean_seg(scores: Sequence[Sequence[float]]) -> float:
    """SEG of some frames from the Jaccard indices of each; InputError when none holds a cell."""
    cells = [score for frame in scores for score in frame]
    if not cells:
        raise InputError("the frames that score the networks hold no labelled cell: change data.split.")
    return float(np.mean(cells))
