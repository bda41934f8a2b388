"""Which frames train, which validate and which test."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from math import ceil

from raysynth.base.errors import InputError
from raysynth.base.sampling import evenly_spaced
from raysynth.config import DataConfig, SplitConfig
from raysynth.data.ctc import ctc_frames
from raysynth.data.folders import folder_frames
from raysynth.data.frames import Frame


@dataclass(frozen=True)
class Splits:
    """Labelled frames by use.

    Attributes
    ----------
    train
        Frames that train.
    validation
        Frames that tell how well a training goes.
    test
        Frames that only `evaluate table` reads.
    """

    train: tuple[Frame, ...]
    validation: tuple[Frame, ...]
    test: tuple[Frame, ...]


def split_frames(data: DataConfig) -> Splits:
    """List the labelled frames of a data set and split them.

    The result depends on the settings and the file names alone.

    Parameters
    ----------
    data
        Settings of the data.

    Returns
    -------
    Splits
        Frames that are not read yet.

    Raises
    ------
    InputError
        When a split names what is not there, or nothing is left to train or to validate.
    """
    frames = ctc_frames(data) if data.layout == "ctc" else folder_frames(data)
    ways: dict[str, Callable[[list[Frame], SplitConfig], Splits]] = {
        "sequence": _by_sequence,
        "group": _by_group,
        "region": _by_region,
    }
    splits = ways[data.split.by](frames, data.split)
    for use in ("train", "validation"):
        if not getattr(splits, use):
            raise InputError(f"data.split leaves no frame of {data.root} to {use}: change its names or fractions.")
    chosen = evenly_spaced(len(splits.train), data.split.train_frames)
    return replace(splits, train=tuple(splits.train[i] for i in chosen))


def _by_sequence(frames: list[Frame], split: SplitConfig) -> Splits:
    """Split by named sequences; validation is the later frames of each training sequence unless it has its own."""
    _check_names(frames, split)
    train, validation, test = [], _of(frames, split.validation), _of(frames, split.test)
    # The last frames and not random ones: neighbours in time show the same cells, nearly unchanged.
    for group in split.train or _others(frames, split.validation + split.test):
        sequence = sorted(_of(frames, (group,)), key=lambda f: f.time)
        # Rounded up: of a short sequence at least one frame validates, as long as the fraction is above 0.
        later = 0 if split.validation else ceil(split.validation_fraction * len(sequence))
        train += sequence[: len(sequence) - later]
        validation += sequence[len(sequence) - later :]
    return Splits(tuple(train), tuple(validation), tuple(test))


def _by_group(frames: list[Frame], split: SplitConfig) -> Splits:
    """Split by named groups, or by fractions of all groups in the order of a hash of each group's own name.

    So a group keeps its use when others are added, but for those at the borders.
    """
    _check_names(frames, split)
    rest = sorted(_others(frames, split.train + split.validation + split.test), key=_hash)
    # Of all groups, named ones included: naming the groups of one use leaves the number in the others as it was.
    total = len({f.group for f in frames})
    test, rest = _take(split.test, rest, split.test_fraction, total)
    validation, rest = _take(split.validation, rest, split.validation_fraction, total)
    return Splits(tuple(_of(frames, split.train or rest)), tuple(_of(frames, validation)), tuple(_of(frames, test)))


def _by_region(frames: list[Frame], split: SplitConfig) -> Splits:
    """Split every frame into vertical strips, left to right; a cell belongs to the strip its centre lies in."""
    test_from = 1 - split.test_fraction
    train_to = test_from - split.validation_fraction
    edges = [(0.0, train_to), (train_to, test_from), (test_from, 1.0)]
    # A use whose fraction is 0 gets no frames, rather than frames without columns, which would be read for nothing.
    return Splits(*(tuple(f.within(a, b) for f in frames) if b > a else () for a, b in edges))


def _take(named: tuple[str, ...], rest: list[str], fraction: float, total: int) -> tuple[tuple[str, ...], list[str]]:
    """Take named groups as they are, else the first of `rest` up to a fraction of all; and give what then remains."""
    if named:
        return named, rest
    count = ceil(fraction * total)
    return tuple(rest[:count]), rest[count:]


def _hash(name: str) -> str:
    # Python's own hash of a string is another one in every process.
    return sha256(name.encode()).hexdigest()


def _of(frames: list[Frame], groups: tuple[str, ...] | list[str]) -> list[Frame]:
    return [f for f in frames if f.group in groups]


def _others(frames: list[Frame], named: tuple[str, ...]) -> list[str]:
    return sorted({f.group for f in frames} - set(named))


def _check_names(frames: list[Frame], split: SplitConfig) -> None:
    present = {f.group for f in frames}
    for name in split.train + split.validation + split.test:
        if name not in present:
            some = ", ".join(sorted(present)[:8])
            raise InputError(f"data.split names {name!r}, which has no labelled frames: the data hold {some}.")
