"""The cell table: one row per cell and frame, one Parquet part per shard.

What can be measured from the labels (volume, centroid, bounding box) is measured here, from the very arrays that are
stored, so the table cannot disagree with them. What only the composer knows (source cell, seed key) comes as further
columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raysynth.base.arrays import Labels

_KEY = ("frame", "label")


def measured_schema(axes: Sequence[str]) -> pa.Schema:
    """Name the columns that are measured from the labels, in pixels; boxes are half-open.

    Parameters
    ----------
    axes
        Names of the frame's axes, `z, y, x` or `y, x`.
    """
    fields = [("frame", pa.int64()), ("label", pa.uint32()), ("volume_px", pa.int64())]
    fields += [(f"centroid_{axis}", pa.float64()) for axis in axes]
    fields += [(f"{axis}_{end}", pa.int64()) for end in ("start", "stop") for axis in axes]
    return pa.schema(fields)


def measure(labels: Labels, first_frame: int, axes: Sequence[str]) -> pa.Table:
    """Measure every label of consecutive frames.

    Labels are measured by their runs along x, which are far fewer than their pixels.

    Parameters
    ----------
    labels
        `(frames, [z,] y, x)`, uint32.
    first_frame
        Number of the first of these frames.
    axes
        Names of the frame's axes, `z, y, x` or `y, x`.

    Returns
    -------
    pyarrow.Table
        The columns of `measured_schema`, ordered by frame, then label. In 2D `volume_px` is the area.
    """
    starts, lengths, values = _runs(labels)
    frame, *place = np.unravel_index(starts, labels.shape)
    # lexsort sorts by its last key first: by frame, then by label.
    order = np.lexsort((values, frame))
    starts, lengths, values, frame = starts[order], lengths[order], values[order], frame[order]
    place = [along[order] for along in place]
    # Differences of unsigned labels wrap around, but are 0 for equal labels alone.
    changes = (np.diff(frame, prepend=-1) != 0) | (np.diff(values, prepend=np.uint32(0)) != 0)
    cells = np.flatnonzero(changes)
    # Sums over the runs of each cell, which stand together now; of integers, so they are exact.
    volume = np.add.reduceat(lengths, cells)
    lows, highs, sums = [], [], []
    for along in place:
        # Along x a run covers `lengths` pixels, along every other axis one.
        extent = lengths if along is place[-1] else np.ones_like(lengths)
        lows.append(np.minimum.reduceat(along, cells))
        highs.append(np.maximum.reduceat(along + extent, cells))
        # A run from x over n pixels has its coordinates sum to n x + n (n - 1) / 2.
        sums.append(np.add.reduceat(lengths * along + lengths * (extent - 1) // 2, cells))
    columns = [frame[cells] + first_frame, values[cells], volume, *(total / volume for total in sums), *lows, *highs]
    return pa.table([pa.array(column) for column in columns], schema=measured_schema(axes))


def _runs(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], Labels]:
    """Find the runs of one label along x, without background: flat index of the first pixel, length, label."""
    flat = labels.reshape(-1)
    begins = np.empty(flat.shape, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    # A run never goes on in the next row. This also sets the very first pixel, which the comparison left out.
    begins.reshape(labels.shape)[..., 0] = True
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=flat.size)
    values = flat[starts]
    kept = values > 0
    return starts[kept], lengths[kept], values[kept]


def complete(measured: pa.Table, rows: Mapping[str, Sequence[Any]] | pa.Table) -> pa.Table:
    """Join what the composer says of each cell to what was measured.

    Parameters
    ----------
    measured
        The table of `measure`.
    rows
        Columns `frame` and `label`, which name each measured cell exactly once in any order, and any others.

    Returns
    -------
    pyarrow.Table
        The measured table with the other columns of `rows`.

    Raises
    ------
    ValueError
        When cells and rows differ, or a column is one of the measured ones.
    """
    given = rows if isinstance(rows, pa.Table) else pa.table(dict(rows))
    extra = [name for name in given.column_names if name not in _KEY]
    if clash := sorted(set(extra) & set(measured.column_names)):
        raise ValueError(f"columns {clash} are measured by the store: leave them out")
    # `measured` is in this order already.
    here, there = _keys(measured), _keys(given)
    order = np.lexsort((there[1], there[0]))
    if not np.array_equal(here, there[:, order]):
        wrong = sorted(set(zip(*here.tolist(), strict=True)) ^ set(zip(*there.tolist(), strict=True)))[:3]
        raise ValueError(f"rows and labels name different cells (frame, label): {wrong or 'a row comes twice'}")
    ordered = given.select(extra).take(pa.array(order))
    for name in extra:
        measured = measured.append_column(name, ordered[name].combine_chunks())
    return measured


def _keys(table: pa.Table) -> NDArray[np.int64]:
    """Take frame and label of every row, `(2, rows)`."""
    return np.stack([table[name].cast(pa.int64()).to_numpy() for name in _KEY])


def to_parquet(table: pa.Table) -> bytes:
    """Write one Parquet file; equal tables give equal bytes with one version of pyarrow.

    Parameters
    ----------
    table
        The table.
    """
    sink = pa.BufferOutputStream()
    # Compression and format are named: a new default of pyarrow would change the bytes.
    pq.write_table(table, sink, compression="zstd", compression_level=3, version="2.6")
    return bytes(sink.getvalue())
