"""How sure a gain over real data is: paired bootstrap intervals of differences of SEG."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Doubles
from raysynth.base.seeds import Stage, generator
from raysynth.experiment.rows import TableRow

DRAWS = 4000
"""Resamples of a bootstrap."""

# Number of this stream of draws. `training_set` has 0 to 2 and `networks` 3, so that none repeats another.
_BOOTSTRAP = 4


@dataclass(frozen=True)
class Scores:
    """The scores of one row.

    Attributes
    ----------
    sums
        Sum of the Jaccard indices for each seed and frame, `(seeds, frames)`.
    cells
        Reference cells of each frame, `(frames,)`.
    groups
        Sequence, well or embryo of each frame.
    """

    sums: Doubles
    cells: NDArray[np.int64]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, runs: Sequence[Mapping[str, Any]]) -> "Scores":
        """Gather the scores of a row's seeds.

        Parameters
        ----------
        runs
            A record of each seed, as `raysynth.experiment.arms.score_arm` keeps it.

        Returns
        -------
        Scores
            All seeds.
        """
        sums = [[sum(frame["jaccard"]) for frame in run["frames"]] for run in runs]
        frames = runs[0]["frames"]
        groups = tuple(frame["name"].rpartition("/")[0] for frame in frames)  # see `raysynth.data.frames.Frame.name`
        return cls(np.array(sums, float), np.array([len(frame["jaccard"]) for frame in frames]), groups)

    def seg(self) -> Doubles:
        """Compute SEG of each seed.

        Returns
        -------
        Doubles
            `(seeds,)`.
        """
        return self.sums.sum(axis=1) / self.cells.sum()

    def by_group(self) -> "Scores":
        """Take all frames of a group as one.

        Returns
        -------
        Scores
            In the order of the groups' names.
        """
        names, which = np.unique(self.groups, return_inverse=True)
        # (groups, frames), 1 where a frame is of a group: products with it sum over the frames of each group.
        member = which == np.arange(len(names))[:, None]
        return Scores(self.sums @ member.T, member @ self.cells, tuple(names.tolist()))


@dataclass(frozen=True)
class Difference:
    """A difference of SEG.

    Attributes
    ----------
    mean
        Mean over all seeds.
    low
        Lower end of its 95 % interval.
    high
        Upper end.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class GroupInterval:
    """The 95 % interval of a difference over groups of frames.

    Attributes
    ----------
    groups
        How many groups there are.
    groups_low
        Lower end.
    groups_high
        Upper end.
    """

    groups: int
    groups_low: float
    groups_high: float


@dataclass(frozen=True)
class Gain:
    """A row's SEG less that of real data alone, at as many real frames.

    Attributes
    ----------
    difference
        The difference, with its interval over frames and seeds.
    groups
        Its interval over groups of frames; None for a single group, and for groups of one frame each.
    """

    difference: Difference
    groups: GroupInterval | None = None

    def to_json(self) -> dict[str, float]:
        """Return both as one dictionary.

        Returns
        -------
        dict of str to float
            The fields of `Difference`, and those of `GroupInterval` where there is one.
        """
        return asdict(self.difference) | ({} if self.groups is None else asdict(self.groups))


def difference(a: Scores, b: Scores) -> Difference:
    """Compute SEG of one row less that of another, and its interval.

    Parameters
    ----------
    a
        Scores of one row.
    b
        Scores of the other, of the same frames and as many seeds.

    Returns
    -------
    Difference
        With the interval of a paired percentile bootstrap (Efron & Tibshirani 1993, section 13).

    Raises
    ------
    ValueError
        When frames or seeds do not match.

    Notes
    -----
    A resample takes the same frames and the same seeds from both rows, so what makes a frame hard for both cancels.
    SEG of resampled frames is the sum of their Jaccard indices over the number of their cells: frames weigh by their
    cells, as in SEG itself.
    """
    if a.sums.shape != b.sums.shape or (a.cells != b.cells).any() or a.groups != b.groups:
        raise ValueError("scores of other frames or seeds cannot be paired")
    # The difference is taken before resampling: that is what pairs the two rows.
    gain, (seeds, frames) = a.sums - b.sums, a.sums.shape
    # The same resamples for every pair of rows: intervals of one table can be compared.
    rng = generator(0, 0, Stage.EVALUATION, _BOOTSTRAP)
    drawn = np.zeros(DRAWS)
    for draw in range(DRAWS):
        picked, order = rng.integers(frames, size=frames), rng.integers(seeds, size=seeds)
        # Frames without a cell may be all that was picked: they gain nothing, and 0 / 0 is avoided.
        drawn[draw] = gain[order].mean(axis=0)[picked].sum() / max(1, a.cells[picked].sum())
    # Percentile bootstrap: 95 % of the resamples lie between the ends.
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Difference(float(gain.mean(axis=0).sum() / a.cells.sum()), float(low), float(high))


def group_interval(a: Scores, b: Scores) -> GroupInterval | None:
    """Compute the interval of a difference with whole groups resampled in place of frames.

    Frames of one embryo are alike: taken as independent they give too narrow an interval.

    Parameters
    ----------
    a
        Scores of one row.
    b
        Scores of the other, of the same frames and as many seeds.

    Returns
    -------
    GroupInterval or None
        None where it says nothing: for a single group, and for groups of one frame each.
    """
    groups = len(set(a.groups))
    # One group leaves nothing to resample. With a group for each frame it is the interval over frames again.
    if not 1 < groups < len(a.groups):
        return None
    found = difference(a.by_group(), b.by_group())
    return GroupInterval(groups, found.low, found.high)


def gains(scored: Mapping[TableRow, Scores]) -> dict[str, Gain]:
    """Compare every row with synthetic data with real data alone, at the same number of real frames.

    Parameters
    ----------
    scored
        The scores of each row.

    Returns
    -------
    dict of str to Gain
        "row - real row" → its gain, for the rows whose real row was scored.
    """
    found = {}
    for row, scores in scored.items():
        real = TableRow("real", None, row.real_frames)
        if row.arm == "synthetic":  # at the number of real frames of the main rows
            real = next((other for other in scored if other.arm == "real"), real)
        if row.synthetic is not None and real in scored:
            gain = Gain(difference(scores, scored[real]), group_interval(scores, scored[real]))
            found[f"{row.title} - {real.title}"] = gain
    return found
