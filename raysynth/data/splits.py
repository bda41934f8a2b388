"""Which frames train, which validate and which test (DESIGN, Splits)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import ceil

import numpy as np

from raysynth.base.errors import InputError
from raysynth.config import DataConfig, SplitConfig
from raysynth.data.ctc import ctc_frames
from raysynth.data.folders import folder_frames
from raysynth.data.frames import Frame


@dataclass(frozen=True)
class Splits:
    """Labelled frames by use. Only `evaluate table` reads the pixels of `test`."""

    train: tuple[Frame, ...]
    validation: tuple[Frame, ...]
    test: tuple[Frame, ...]


def split_frames(data: DataConfig) -> Splits:
    """List the labelled frames of a data set and split them; a pure function of the settings and the file names."""
    frames = ctc_frames(data) if data.layout == "ctc" else folder_frames(data)
    ways: dict[str, Callable[[list[Frame], SplitConfig], Splits]] = {
        "sequence": _by_sequence,
        "group": _by_group,
        "region": _by_region,
    }
    splits = ways[data.split.by](frames, data.split)
    for part in ("train", "validation"):
        if not getattr(splits, part):
            raise InputError(f"data.split leaves no frame of {data.root} to {part}: change its names or fractions.")
    return replace(splits, train=tuple(spread(splits.train, data.split.train_frames)))


def spread(frames: Sequence[Frame], count: int | None) -> list[Frame]:
    """At most `count` frames, evenly spaced; None: all."""
    if count is None or count >= len(frames):
        return list(frames)
    return [frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int)]


def _by_sequence(frames: list[Frame], split: SplitConfig) -> Splits:
    """Named sequences; validation is the later frames of every training sequence unless sequences are named for it."""
    _check_names(frames, split)
    train, validation, test = [], _of(frames, split.validation), _of(frames, split.test)
    for group in split.train or _others(frames, split.validation + split.test):
        sequence = sorted(_of(frames, (group,)), key=lambda f: f.time)
        later = 0 if split.validation else ceil(split.validation_fraction * len(sequence))
        train += sequence[: len(sequence) - later]
        validation += sequence[len(sequence) - later :]
    return Splits(tuple(train), tuple(validation), tuple(test))


def _by_group(frames: list[Frame], split: SplitConfig) -> Splits:
    """Named groups, or shares of all groups in an order that depends on each group's own name only."""
    _check_names(frames, split)
    rest = sorted(_others(frames, split.train + split.validation + split.test), key=_hash)
    total = len({f.group for f in frames})
    test, rest = _take(split.test, rest, split.test_fraction, total)
    validation, rest = _take(split.validation, rest, split.validation_fraction, total)
    return Splits(tuple(_of(frames, split.train or rest)), tuple(_of(frames, validation)), tuple(_of(frames, test)))


def _by_region(frames: list[Frame], split: SplitConfig) -> Splits:
    """Vertical strips of every frame, left to right; a cell belongs to the strip its centre lies in."""
    test_from = 1 - split.test_fraction
    train_to = test_from - split.validation_fraction
    edges = [(0.0, train_to), (train_to, test_from), (test_from, 1.0)]
    return Splits(*(tuple(f.within(a, b) for f in frames) if b > a else () for a, b in edges))


def _take(named: tuple[str, ...], rest: list[str], fraction: float, total: int) -> tuple[tuple[str, ...], list[str]]:
    """Named groups as they are, else the first groups of `rest` up to a share of all; and what then remains."""
    if named:
        return named, rest
    count = ceil(fraction * total)
    return tuple(rest[:count]), rest[count:]


def _hash(name: str) -> str:
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
