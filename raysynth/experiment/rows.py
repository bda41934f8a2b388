"""The rows of `raysynth evaluate table`, and the options that name them.

The arms are those of Yilmaz et al. (ISBI 2025): a network as it is (none), trained on real frames, on synthetic ones,
on both. Its ablations are further synthetic sets with names of their own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from raysynth.base.errors import InputError
from raysynth.config import EvaluateConfig

CURVE = (1, 2, 5)
"""Real frames of the few-frame curve, before all of them."""


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes
    ----------
    arm
        "none", "real", "synthetic" or "both".
    synthetic
        Name of the synthetic set, for the arms that have one.
    real_frames
        Real frames that train; None: all.
    synthetic_frames
        Synthetic frames that train; None: as many as the settings say.
    """

    arm: str
    synthetic: str | None = None
    real_frames: int | None = None
    synthetic_frames: int | None = None

    @property
    def key(self) -> str:
        """Name of the row's files."""
        parts = [self.arm, self.synthetic, *(f"{kind}{count}" for kind, count in self._counts())]
        return ".".join(part for part in parts if part is not None)

    @property
    def title(self) -> str:
        """What the table calls it."""
        frames = [f", {kind} frames: {count}" for kind, count in self._counts()]
        return self.arm + (f" ({self.synthetic})" if self.synthetic else "") + "".join(frames)

    def _counts(self) -> list[tuple[str, int]]:
        counts = (("real", self.real_frames), ("synthetic", self.synthetic_frames))
        return [(kind, count) for kind, count in counts if count is not None]


def table_rows(
    settings: EvaluateConfig, synthetic: Sequence[str], curve: bool, real: int, synthetic_curve: Sequence[int] = ()
) -> list[TableRow]:
    """List the rows of a table.

    Parameters
    ----------
    settings
        Which arms there are, and how many real frames train.
    synthetic
        Names of the synthetic sets, the main one first.
    curve
        Also train on few real frames.
    real
        Number of real training frames.
    synthetic_curve
        Also train on these numbers of frames of the main synthetic set.

    Returns
    -------
    list of TableRow
        In order, each once.
    """
    # "All real frames" has one name, None, so that a row is the same whichever way it was asked for.
    limit = None if settings.real_frames is None or settings.real_frames >= real else settings.real_frames
    found = []
    for arm in settings.arms:
        if arm in ("none", "real"):
            found.append(TableRow(arm, None, limit if arm == "real" else None))
        else:
            found += [TableRow(arm, name, limit if arm == "both" else None) for name in synthetic]
    for count in (n for n in CURVE if curve and n < real):
        found += [TableRow("real", None, count)] + [TableRow("both", name, count) for name in synthetic[:1]]
    for count in synthetic_curve:
        found += [TableRow("synthetic", synthetic[0], None, count), TableRow("both", synthetic[0], limit, count)]
    # A row of the curve may be a main row as well; each is trained once, in the order of its first mention.
    return list(dict.fromkeys(found))


def row_seeds(row: TableRow, settings: EvaluateConfig) -> range:
    """List the random seeds of a row.

    Parameters
    ----------
    row
        The row.
    settings
        How many trainings each arm has.

    Returns
    -------
    range
        One seed for untrained weights, which are the same for all.
    """
    # Nothing is drawn at random where nothing is trained: one run says all.
    return range(1 if row.arm == "none" else settings.seeds)


def named_sets(given: Sequence[str]) -> dict[str, str]:
    """Read the names of synthetic sets.

    Parameters
    ----------
    given
        `NAME=ADDRESS` each; a bare address is called "synthetic".

    Returns
    -------
    dict of str to str
        Name → address.

    Raises
    ------
    InputError
        For a name that is given twice, or that cannot be one.
    """
    sets: dict[str, str] = {}
    for text in given:
        name, equals, address = text.partition("=")
        # An address may hold an equals sign of its own: what has a slash before it is no name.
        if not equals or "/" in name:
            name, address = "synthetic", text
        if not re.fullmatch(r"[\w-]+", name) or name == "real" or name in sets or not address:
            raise InputError(
                f"--synthetic {text}: give each set a name of its own, as in NAME=DATASET, other than real"
            )
        sets[name] = address
    return sets


def frame_counts(given: str) -> list[int]:
    """Read numbers of frames.

    Parameters
    ----------
    given
        `N,N,...`, whole numbers above 0.

    Returns
    -------
    list of int
        Ascending, each once.

    Raises
    ------
    InputError
        For anything else.
    """
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", given):
        raise InputError(f"--synthetic-curve {given}: give numbers of frames with commas between, as in 10,30,100")
    return sorted({int(count) for count in given.split(",")})
