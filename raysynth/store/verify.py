"""Check a data set, shard by shard: everything is there, nothing has changed, and labels and table say the same."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pyarrow as pa

from raysynth.base.errors import InputError
from raysynth.base.objects import in_parallel
from raysynth.store import marks, ome, table
from raysynth.store.dataset import missing_frames
from raysynth.store.reader import Dataset
from raysynth.store.spec import ARRAYS, DatasetSpec, table_key

# Centroids are left out: their last bit may differ between versions of the library that measures them.
COMPARED = ("frame", "label", "volume_px")


@dataclass
class Report:
    """What `verify` found.

    bad: for each shard that must be made again, what is wrong with it. documents: Zarr documents that are missing or
    altered; `finalise` writes them anew.
    """

    uri: str
    shards: int
    cells: int = 0
    bad: dict[int, list[str]] = field(default_factory=dict)
    documents: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.bad and not self.documents


def verify(
    uri: str, progress: Callable[[int, int], None] = lambda done, of: None, only: Collection[int] | None = None
) -> Report:
    """Check the data set at `uri`, holding one shard in memory at a time.

    progress: called after each shard with the number checked and the number in all. only: these shards; None: all.
    Raises InputError when there is no data set.
    """
    dataset = Dataset(uri)
    chosen = range(dataset.spec.shards) if only is None else sorted(only)
    report = Report(dataset.uri, dataset.spec.shards, documents=_altered_documents(dataset))
    done, failed = marks.done_shards(uri), marks.failures(uri)
    for number, index in enumerate(chosen, start=1):
        if index not in done:
            report.bad[index] = [f"failed: {failed[index]}" if index in failed else "not finished"]
        elif problems := _altered_objects(dataset, index):
            report.bad[index] = problems
        elif not report.documents:
            cells, problems = _inconsistencies(dataset, index)
            report.cells += cells
            if problems:
                report.bad[index] = problems
        progress(number, len(chosen))
    return report


def _altered_documents(dataset: Dataset) -> list[str]:
    """Keys of Zarr documents that are not as the manifest and the finished shards ask for."""

    def differs(item: tuple[str, bytes]) -> str | None:
        try:
            return None if dataset.objects.get(item[0]) == item[1] else item[0]
        except FileNotFoundError:
            return item[0]

    expected = ome.hierarchy(dataset.spec, missing_frames(dataset.spec, marks.done_shards(dataset.uri)))
    return [key for key in in_parallel(differs, expected.items()) if key]


def expected_keys(spec: DatasetSpec, index: int) -> set[str]:
    """Names of all objects that hold a shard."""
    keys = {table_key(index)}
    for array in ARRAYS:
        for level in range(spec.levels):
            keys.update(spec.shard_keys(array, level, index))
    return keys


def _altered_objects(dataset: Dataset, index: int) -> list[str]:
    """What is wrong with a finished shard's objects."""
    try:
        mark = marks.read_done(dataset.objects, index)
    except InputError:
        return ["its done mark is damaged"]
    if mark.sha256.keys() != expected_keys(dataset.spec, index) or mark.frames != len(dataset.spec.shard_frames(index)):
        return ["its done mark is of another layout"]

    def problem(item: tuple[str, str]) -> str | None:
        try:
            data = dataset.objects.get(item[0])
        except FileNotFoundError:
            return f"{item[0]} is missing"
        return None if hashlib.sha256(data).hexdigest() == item[1] else f"{item[0]} is damaged"

    return [text for text in in_parallel(problem, mark.sha256.items()) if text]


def _inconsistencies(dataset: Dataset, index: int) -> tuple[int, list[str]]:
    """Number of cells of a shard, and how its table and its labels disagree."""
    axes = dataset.spec.axes[1:]
    names = [*COMPARED, *(f"{axis}_{end}" for end in ("start", "stop") for axis in axes)]
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
