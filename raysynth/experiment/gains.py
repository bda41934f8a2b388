"""How sure a gain over real data is: paired bootstrap intervals of differences of SEG."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.seeds import Stage, generator
from raysynth.experiment.protocol import Row

DRAWS = 4000
_BOOTSTRAP = 4


@dataclass(frozen=True)
class Scores:
    """A row's test scores.

    sums: Jaccard indices summed for each seed and frame `(seeds, frames)`. cells: `(frames,)`. groups: the sequence,
    well or embryo of each frame.
    """

    sums: NDArray[np.float64]
    cells: NDArray[np.int64]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, runs: Sequence[Mapping[str, Any]]) -> "Scores":
        """From the records of a row's seeds, as `raysynth.experiment.arms.score` keeps them."""
        sums = [[sum(frame["jaccard"]) for frame in run["frames"]] for run in runs]
        frames = runs[0]["frames"]
        groups = tuple(frame["name"].rpartition("/")[0] for frame in frames)  # see `raysynth.data.frames.Frame.name`
        return cls(np.array(sums, float), np.array([len(frame["jaccard"]) for frame in frames]), groups)

    def seg(self) -> NDArray[np.float64]:
        """SEG of each seed."""
        return self.sums.sum(axis=1) / self.cells.sum()

    def by_group(self) -> "Scores":
        """The same with all frames of a group as one, in the order of the groups' names."""
        names, which = np.unique(self.groups, return_inverse=True)
        member = which == np.arange(len(names))[:, None]
        return Scores(self.sums @ member.T, member @ self.cells, tuple(names.tolist()))


@dataclass(frozen=True)
class Difference:
    """Mean difference of SEG, and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class GroupInterval:
    """The ends of a difference's 95 % interval over groups of frames, and how many groups there are."""

    groups: int
    groups_low: float
    groups_high: float


def difference(a: Scores, b: Scores) -> Difference:
    """SEG of a less b, with a paired percentile bootstrap over frames and seeds (`DRAWS` resamples of both).

    A resample takes the same frames and the same seeds from a and b. Raises ValueError when they do not match.
    """
    if a.sums.shape != b.sums.shape or (a.cells != b.cells).any() or a.groups != b.groups:
        raise ValueError("scores of other frames or seeds cannot be paired")
    gain, (seeds, frames) = a.sums - b.sums, a.sums.shape
    rng = generator(0, 0, Stage.EVALUATION, _BOOTSTRAP)
    drawn = np.zeros(DRAWS)
    for draw in range(DRAWS):
        picked, order = rng.integers(frames, size=frames), rng.integers(seeds, size=seeds)
        drawn[draw] = gain[order].mean(axis=0)[picked].sum() / max(1, a.cells[picked].sum())
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Difference(float(gain.mean(axis=0).sum() / a.cells.sum()), float(low), float(high))


def group_interval(a: Scores, b: Scores) -> GroupInterval | None:
    """The interval of `difference` with whole groups resampled in place of frames: frames of one embryo are alike.

    None where that says nothing: for a single group, and for groups of one frame each.
    """
    groups = len(set(a.groups))
    if not 1 < groups < len(a.groups):
        return None
    found = difference(a.by_group(), b.by_group())
    return GroupInterval(groups, found.low, found.high)


def gains(scored: Mapping[Row, Scores]) -> dict[str, dict[str, float]]:
    """Every row with synthetic data against real data alone, at the same number of real frames.

    Each holds the values of a `Difference`, and of a `GroupInterval` where the test frames are of several groups.
    """
    found = {}
    for row, scores in scored.items():
        real = Row("real", None, row.real_frames)
        if row.arm == "synthetic":  # at the number of real frames of the main rows
            real = next((other for other in scored if other.arm == "real"), real)
        if row.synthetic is not None and real in scored:
            groups = group_interval(scores, scored[real])
            figures = asdict(difference(scores, scored[real])) | ({} if groups is None else asdict(groups))
            found[f"{row.title} - {real.title}"] = figures
    return found
