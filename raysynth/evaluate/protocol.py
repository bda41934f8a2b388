"""The protocol of `raysynth evaluate table`: its arms, which frames score them, and how sure a difference is.

The arms are the paper's: a network as it is (none), trained on real frames, on synthetic ones, on both. Its ablations
are further synthetic sets with names of their own. SEG is the Cell Tracking Challenge's (`raysynth.evaluate.seg`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.config import DataConfig, EvaluateConfig, SplitConfig
from raysynth.data.cells import find_cells
from raysynth.data.ctc import ctc_frames
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import split_frames
from raysynth.errors import InputError
from raysynth.evaluate.seg import overlap
from raysynth.seeds import Stage, generator

CURVE = (1, 2, 5)
"""Real frames of the few-frame curve, before all of them."""

DRAWS = 4000
_BOOTSTRAP = 4

Labels = NDArray[np.uint32]


@dataclass(frozen=True)
class Row:
    """One row of the table. synthetic: the set's name, for the arms that have one; real_frames: None for all."""

    arm: str
    synthetic: str | None = None
    real_frames: int | None = None

    @property
    def key(self) -> str:
        """Names the row's files."""
        parts = [self.arm, self.synthetic, None if self.real_frames is None else f"real{self.real_frames}"]
        return ".".join(part for part in parts if part is not None)

    @property
    def title(self) -> str:
        """What the table calls it."""
        frames = "" if self.real_frames is None else f", real frames: {self.real_frames}"
        return self.arm + (f" ({self.synthetic})" if self.synthetic else "") + frames


def rows(config: EvaluateConfig, synthetic: Sequence[str], curve: bool, real: int) -> list[Row]:
    """The rows of a table, in order.

    synthetic: names of the synthetic sets, the main one first. curve: also few real frames. real: how many there are.
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


def seeds_of(row: Row, config: EvaluateConfig) -> range:
    """The seeds of a row; untrained weights are the same for all."""
    return range(1 if row.arm == "none" else config.seeds)


def scored_frames(data: DataConfig, reference: str | None) -> tuple[Frame, ...]:
    """The labelled frames of the test split, not read yet; of CTC sequences those of the label folder `reference`.

    Raises InputError when the split has none.
    """
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


def spread(frames: Sequence[Frame], count: int | None) -> list[Frame]:
    """At most `count` frames, evenly spaced."""
    if count is None or count >= len(frames):
        return list(frames)
    return [frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int)]


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


@dataclass(frozen=True)
class Scores:
    """A row's test scores: Jaccard indices summed for each seed and frame `(seeds, frames)`, cells `(frames,)`."""

    sums: NDArray[np.float64]
    cells: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Sequence[Mapping[str, Any]]) -> "Scores":
        """From the records of a row's seeds, as `raysynth.evaluate.arms.score` keeps them."""
        sums = [[sum(frame["jaccard"]) for frame in run["frames"]] for run in runs]
        return cls(np.array(sums, float), np.array([len(frame["jaccard"]) for frame in runs[0]["frames"]]))

    def seg(self) -> NDArray[np.float64]:
        """SEG of each seed."""
        return self.sums.sum(axis=1) / self.cells.sum()


@dataclass(frozen=True)
class Difference:
    """Mean difference of SEG, and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def difference(a: Scores, b: Scores) -> Difference:
    """SEG of a less b, with a paired percentile bootstrap over frames and seeds (`DRAWS` resamples of both).

    A resample takes the same frames and the same seeds from a and b. Raises ValueError when they do not match.
    """
    if a.sums.shape != b.sums.shape or (a.cells != b.cells).any():
        raise ValueError("scores of other frames or seeds cannot be paired")
    gain, (seeds, frames) = a.sums - b.sums, a.sums.shape
    rng = generator(0, 0, Stage.EVALUATION, _BOOTSTRAP)
    drawn = np.zeros(DRAWS)
    for draw in range(DRAWS):
        picked, order = rng.integers(frames, size=frames), rng.integers(seeds, size=seeds)
        drawn[draw] = gain[order].mean(axis=0)[picked].sum() / max(1, a.cells[picked].sum())
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Difference(float(gain.mean(axis=0).sum() / a.cells.sum()), float(low), float(high))


def gains(scored: Mapping[Row, Scores]) -> dict[str, dict[str, float]]:
    """Every row with synthetic data against real data alone, at the same number of real frames."""
    found = {}
    for row, scores in scored.items():
        real = replace(row, arm="real", synthetic=None)
        if row.arm == "synthetic":  # at the number of real frames of the main rows
            real = next((other for other in scored if other.arm == "real"), real)
        if row.synthetic is not None and real in scored:
            found[f"{row.title} - {real.title}"] = asdict(difference(scores, scored[real]))
    return found
