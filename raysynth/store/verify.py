"""Check a data set, shard by shard: everything is there, nothing has changed, and labels and table say the same."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from raysynth.base.errors import InputError
from raysynth.base.objects import in_parallel
from raysynth.base.progress import Progress, no_progress
from raysynth.base.reports import Report
from raysynth.store import marks, ome, table
from raysynth.store.dataset import missing_frames
from raysynth.store.reader import Dataset
from raysynth.store.spec import table_key

# Centroids are left out: their last bit may differ between versions of the library that measures them.
_COMPARED = ("frame", "label", "volume_px")
_ROOT = "zarr.json"


@dataclass(frozen=True)
class VerifyReport(Report):
    """What was found in a data set.

    Attributes
    ----------
    dataset
        Its address.
    shards
        Number of its shards, checked or not.
    cells
        Number of cells in the checked shards.
    bad
        For each shard that must be made again, what is wrong with it.
    altered
        Zarr documents that are missing or altered; `finalise` writes them anew.
    """

    dataset: str
    shards: int
    cells: int = 0
    bad: dict[int, list[str]] = field(default_factory=dict)
    altered: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.bad and not self.altered

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values: reasons joined, documents by their number."""
        return {
            "dataset": self.dataset,
            "shards": self.shards,
            "cells": self.cells,
            "ok": self.ok,
            # Mappings, because those are printed as a line for each entry.
            "bad": {str(shard): "; ".join(reasons) for shard, reasons in self.bad.items()},
            "altered": {str(number): key for number, key in enumerate(self.altered)},
        }


def verify_dataset(
    dataset: Dataset, only: Collection[int] | None = None, progress: Progress = no_progress
) -> VerifyReport:
    """Check a data set, holding one shard in memory at a time.

    Parameters
    ----------
    dataset
        The data set, opened just before.
    only
        Numbers of the shards to check; None: all.
    progress
        Called after each shard.
    """
    chosen = range(dataset.spec.shards) if only is None else sorted(only)
    done, failed = marks.done_shards(dataset.objects), marks.failures(dataset.objects)
    altered = _altered_documents(dataset, done)
    cells, bad = 0, {}
    for number, index in enumerate(chosen, start=1):
        if index not in done:
            bad[index] = [f"failed: {failed[index]}" if index in failed else "not finished"]
        elif problems := _altered_objects(dataset, index):
            bad[index] = problems
        # Labels are read by way of the documents: altered ones would make every sound shard seem damaged.
        elif not altered:
            found, problems = _inconsistencies(dataset, index)
            cells += found
            if problems:
                bad[index] = problems
        progress(number, len(chosen))
    return VerifyReport(dataset.uri, dataset.spec.shards, cells, bad, altered)


def _altered_documents(dataset: Dataset, done: set[int]) -> list[str]:
    """Find the Zarr documents that are not as the manifest and the finished shards ask for."""

    def differs(item: tuple[str, bytes]) -> str | None:
        key, expected = item
        try:
            found = dataset.objects.get(key)
        except FileNotFoundError:
            return key
        same = _without_display(found) == _without_display(expected) if key == _ROOT else found == expected
        return None if same else key

    expected = ome.hierarchy(dataset.spec, missing_frames(dataset.spec, done))
    return [key for key in in_parallel(differs, expected.items()) if key]


def _without_display(document: bytes) -> Any:
    """Parse the image's document without what viewers may change, and older data sets lack."""
    try:
        parsed = json.loads(document)
        parsed["attributes"]["ome"].pop("omero", None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return document
    return parsed


def _altered_objects(dataset: Dataset, index: int) -> list[str]:
    """Say what is wrong with a finished shard's objects."""
    try:
        mark = marks.read_done(dataset.objects, index)
    except InputError:
        return ["its done mark is damaged"]
    # Such as the mark of a short last shard, in a data set that has grown since.
    if mark.sha256.keys() != dataset.spec.object_keys(index) or mark.frames != len(dataset.spec.shard_frames(index)):
        return ["its done mark is of another layout"]

    def problem(item: tuple[str, str]) -> str | None:
        key, digest = item
        try:
            data = dataset.objects.get(key)
        except FileNotFoundError:
            return f"{key} is missing"
        return None if hashlib.sha256(data).hexdigest() == digest else f"{key} is damaged"

    return [text for text in in_parallel(problem, mark.sha256.items()) if text]


def _inconsistencies(dataset: Dataset, index: int) -> tuple[int, list[str]]:
    """Count the cells of a shard, and say how its table and its labels disagree."""
    axes = dataset.spec.axes[1:]
    names = [*_COMPARED, *(f"{axis}_{end}" for end in ("start", "stop") for axis in axes)]
    stored = dataset.shard_cells(index)
    counted = table.measure(dataset.shard_labels(index), dataset.spec.shard_frames(index).start, axes)
    if not set(names) <= set(stored.column_names):
        return stored.num_rows, [f"{table_key(index)} lacks columns"]
    return stored.num_rows, _row_differences(stored.select(names), counted.select(names))


def _row_differences(stored: pa.Table, counted: pa.Table) -> list[str]:
    there = {(row["frame"], row["label"]): row for row in stored.to_pylist()}
    here = {(row["frame"], row["label"]): row for row in counted.to_pylist()}
    problems = [f"frame {f}: label {n} is not in the table" for f, n in sorted(here.keys() - there.keys())]
    problems += [f"frame {f}: cell {n} is not in the labels" for f, n in sorted(there.keys() - here.keys())]
    both = sorted(there.keys() & here.keys())
    return problems + [f"frame {f}: cell {n} is measured otherwise" for f, n in both if there[f, n] != here[f, n]]
