"""Which shards are finished, and which failed and why.

A done mark is written after all of a shard's data, so what it names is there. Failures live under `runs/`, outside what
sameness covers, since a reason may speak of memory or hosts.
"""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects, in_parallel

DONE = "done"
FAILED = "runs/failed"


class DoneMark(BaseModel):
    """One finished shard: its number of frames, the SHA-256 of each of its objects, and its deterministic counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: int
    sha256: dict[str, str]
    counts: dict[str, int]


def mark_key(folder: str, index: int) -> str:
    """Name of a shard's mark."""
    return f"{folder}/{index:05d}.json"


def _indices(objects: Objects, folder: str) -> set[int]:
    return {int(PurePosixPath(key).stem) for key in objects.keys(folder)}


def write_done(objects: Objects, index: int, mark: DoneMark) -> None:
    """Record a finished shard and forget its earlier failures."""
    objects.put_all({mark_key(DONE, index): canonical_json(mark.model_dump())})
    objects.delete(mark_key(FAILED, index))


def read_done(objects: Objects, index: int) -> DoneMark:
    """The mark of a finished shard; FileNotFoundError when it is not finished, InputError when the mark is damaged."""
    key = mark_key(DONE, index)
    try:
        return DoneMark.model_validate_json(objects.get(key))
    except ValidationError as error:
        raise InputError(f"{objects.uri}/{key} is damaged: run `raysynth verify {objects.uri} --repair`") from error


def remove_done(objects: Objects, index: int) -> None:
    """Make a shard count as not finished."""
    objects.delete(mark_key(DONE, index))


def done_shards(uri: str) -> set[int]:
    """Indices of the finished shards."""
    return _indices(Objects(uri), DONE)


def record_failure(uri: str, index: int, reason: str) -> None:
    """Record why a shard failed. A later success removes the record."""
    Objects(uri).put(mark_key(FAILED, index), canonical_json({"shard": index, "reason": reason}))


def failures(uri: str) -> dict[int, str]:
    """Reason of each failed shard, by index."""
    objects = Objects(uri)
    keys = objects.keys(FAILED)
    records = [json.loads(data) for data in in_parallel(objects.get, keys)]
    return {record["shard"]: record["reason"] for record in records}


def total_counts(objects: Objects, shards: Iterable[int]) -> dict[str, int]:
    """Sum of the counts of finished shards."""
    totals: dict[str, int] = {}
    for mark in in_parallel(lambda index: read_done(objects, index), sorted(shards)):
        for name, value in mark.counts.items():
            totals[name] = totals.get(name, 0) + value
    return totals
