"""Which shards are finished, and which failed and why.

A done mark is written after all of a shard's data, so what it names is there. Failures live under `runs/`, outside what
sameness covers, since a reason may speak of memory or hosts. Other files in these folders are left alone.
"""

import json
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects, in_parallel

DONE = "done"
FAILED = "runs/failed"


class DoneMark(BaseModel):
    """One finished shard.

    Attributes
    ----------
    frames
        Number of its frames.
    sha256
        SHA-256 of each of its objects, by key.
    counts
        Its deterministic counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: int
    sha256: dict[str, str]
    counts: dict[str, int]


def mark_key(folder: str, index: int) -> str:
    """Name the mark of a shard.

    Parameters
    ----------
    folder
        `DONE` or `FAILED`.
    index
        Number of the shard.
    """
    return f"{folder}/{index:05d}.json"


def _marked(objects: Objects, folder: str) -> set[int]:
    """Find the shards that have a mark; files that are none, such as `.DS_Store`, are passed over."""
    found = set()
    for key in objects.keys(folder):
        stem = key.removeprefix(f"{folder}/").removesuffix(".json")
        # The exact name: neither `1.json` nor a copy such as `00001 (2).json` is a mark.
        if stem.isdecimal() and key == mark_key(folder, int(stem)):
            found.add(int(stem))
    return found


def write_done(objects: Objects, index: int, mark: DoneMark) -> None:
    """Record a finished shard and forget its earlier failures.

    Parameters
    ----------
    objects
        The data set.
    index
        Number of the shard.
    mark
        What is recorded.
    """
    objects.put_all({mark_key(DONE, index): canonical_json(mark.model_dump())})
    # Last: in between, the shard is done, and nobody asks why it had failed.
    objects.delete(mark_key(FAILED, index))


def read_done(objects: Objects, index: int) -> DoneMark:
    """Read the mark of a finished shard.

    Parameters
    ----------
    objects
        The data set.
    index
        Number of the shard.

    Raises
    ------
    FileNotFoundError
        When the shard is not finished.
    InputError
        When the mark is damaged.
    """
    key = mark_key(DONE, index)
    try:
        return DoneMark.model_validate_json(objects.get(key))
    except ValidationError as error:
        raise InputError(f"{objects.uri}/{key} is damaged: run `raysynth verify {objects.uri} --repair`") from error


def remove_done(objects: Objects, index: int) -> None:
    """Make a shard count as not finished.

    Parameters
    ----------
    objects
        The data set.
    index
        Number of the shard.
    """
    objects.delete(mark_key(DONE, index))


def done_shards(objects: Objects) -> set[int]:
    """Find the finished shards.

    Parameters
    ----------
    objects
        The data set.

    Returns
    -------
    set of int
        Their numbers.
    """
    return _marked(objects, DONE)


def record_failure(objects: Objects, index: int, reason: str) -> None:
    """Record why a shard failed; a later success removes the record.

    Parameters
    ----------
    objects
        The data set.
    index
        Number of the shard.
    reason
        One line.
    """
    # Not flushed, unlike a done mark: a loss of power would cost no more than the reason.
    objects.put(mark_key(FAILED, index), canonical_json({"shard": index, "reason": reason}))


def failures(objects: Objects) -> dict[int, str]:
    """Read why shards failed.

    Parameters
    ----------
    objects
        The data set.

    Returns
    -------
    dict of int to str
        Reason of each failed shard, by its number.
    """
    indices = sorted(_marked(objects, FAILED))
    records = in_parallel(lambda index: json.loads(objects.get(mark_key(FAILED, index))), indices)
    return {index: record["reason"] for index, record in zip(indices, records, strict=True)}


def total_counts(objects: Objects, shards: Iterable[int]) -> dict[str, int]:
    """Sum the counts of finished shards.

    Parameters
    ----------
    objects
        The data set.
    shards
        Numbers of the shards.

    Returns
    -------
    dict of str to int
        Total by name of the count.
    """
    totals: dict[str, int] = {}
    for mark in in_parallel(lambda index: read_done(objects, index), sorted(shards)):
        for name, value in mark.counts.items():
            totals[name] = totals.get(name, 0) + value
    return totals
