"""What becomes of one shard, and the typed row in which that crosses Ray, with its cells beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from raysynth.population.packing import PACKED_TYPES, PackedCells


@dataclass(frozen=True)
class ShardOutcome:
    """What became of one shard.

    Attributes
    ----------
    shard
        Number of the shard.
    reason
        Why it failed; None: it is written.
    ends_run
        Why no other shard would fare better; None: others may.
    trace
        Traceback of the failure.
    counts
        How much of what was made, by name.
    seconds
        Time spent, by stage.
    times
        When a stage began and ended, in seconds since the epoch by its host's clock.
    hosts
        Host of each stage.
    attempts
        Number of the try at each stage, from 1.
    """

    shard: int
    reason: str | None = None
    ends_run: str | None = None
    trace: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """Say in one line what became of the shard."""
        if self.reason is not None:
            return f"shard {self.shard} failed: {self.reason}"
        cells, frames = self.counts.get("cells", 0), self.counts.get("frames", 0)
        return f"shard {self.shard}: {cells} cells in {frames} frames, {sum(self.seconds.values()):.1f} s"


_SPAN = pa.struct([("began", pa.float64()), ("ended", pa.float64())])
_MAPS = {
    "counts": pa.int64(),
    "seconds": pa.float64(),
    "times": _SPAN,
    "hosts": pa.string(),
    "attempts": pa.int64(),
}
_TEXTS = ("reason", "ends_run", "trace")
OUTCOME_SCHEMA = pa.schema(
    [
        # Given and not inferred: an empty dictionary would make a column of another type than the next row's.
        ("shard", pa.int64()),
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.map_(pa.string(), kind)) for name, kind in _MAPS.items()),
        # 64-bit offsets, which `_column` and `_content` rely on.
        *((f"cells_{name}", pa.large_binary()) for name in PACKED_TYPES),
    ]
)
"""Columns of a row: the fields of `ShardOutcome`, then the arrays of its packed cells as their bytes."""


def outcome_row(outcome: ShardOutcome, cells: PackedCells | None = None) -> pa.Table:
    """Write an outcome as a row.

    Parameters
    ----------
    outcome
        What became of the shard so far.
    cells
        Its packed cells; None: there are none, or they are composed already.

    Returns
    -------
    pyarrow.Table
        One row of `OUTCOME_SCHEMA`.
    """
    spans = {stage: {"began": began, "ended": ended} for stage, (began, ended) in outcome.times.items()}
    maps: dict[str, Mapping[str, Any]] = {name: getattr(outcome, name) for name in _MAPS} | {"times": spans}
    row: dict[str, Any] = {"shard": outcome.shard} | {name: getattr(outcome, name) for name in _TEXTS}
    row |= {name: list(entries.items()) for name, entries in maps.items()}
    if cells is not None:
        row |= {f"cells_{name}": pa.py_buffer(np.ascontiguousarray(array)) for name, array in cells.items()}
    columns = [_column(row.get(column.name), column.type) for column in OUTCOME_SCHEMA]
    return pa.Table.from_arrays(columns, schema=OUTCOME_SCHEMA)


def _column(value: Any, kind: pa.DataType) -> pa.Array:
    """Make a column of one value; a buffer is taken over as it lies."""
    if isinstance(value, pa.Buffer):
        ends = pa.py_buffer(np.array([0, value.size], np.int64))
        return pa.Array.from_buffers(kind, 1, [None, ends, value])
    return pa.array([value], kind)


def read_outcome(row: pa.Table) -> ShardOutcome:
    """Read the outcome of a row.

    Parameters
    ----------
    row
        As `outcome_row` writes it, or with nothing but the number of the shard.

    Returns
    -------
    ShardOutcome
        What became of the shard so far.
    """
    values: dict[str, Any] = {
        name: row[name][0].as_py() for name in ("shard", *_TEXTS, *_MAPS) if name in row.schema.names
    }
    values |= {name: dict(values[name]) for name in _MAPS if name in values}
    if "times" in values:
        values["times"] = {stage: (span["began"], span["ended"]) for stage, span in values["times"].items()}
    return ShardOutcome(**values)


def read_cells(row: pa.Table) -> PackedCells | None:
    """Read the packed cells of a row.

    Parameters
    ----------
    row
        As `outcome_row` writes it, or with nothing but the number of the shard.

    Returns
    -------
    PackedCells or None
        Views of the row's buffers; None where it has no cells.
    """
    if "cells_rings" not in row.schema.names or not row["cells_rings"][0].is_valid:
        return None
    cells = {name: np.frombuffer(_content(row[f"cells_{name}"]), kind) for name, kind in PACKED_TYPES.items()}
    count = len(cells["rings"])
    # numpy cannot infer an axis of an array without elements.
    return cells | {"shapes": cells["shapes"].reshape(count, -1) if count else cells["shapes"].reshape(0, 2)}


def _content(column: pa.ChunkedArray) -> memoryview:
    """View the bytes of a column of one value; a scalar of arrow would copy them."""
    array = column.chunk(0)
    _, ends, data = array.buffers()
    # Ray may hand on a slice of a larger block, whose buffers begin earlier.
    start, stop = np.frombuffer(ends, np.int64)[array.offset : array.offset + 2]
    return memoryview(b"") if data is None else memoryview(data)[start:stop]
