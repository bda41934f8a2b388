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
from skimage.measure import regionprops_table

Labels = NDArray[np.uint32]
KEY = ("frame", "label")


def measured_schema(axes: Sequence[str]) -> pa.Schema:
    """Columns measured from the labels, in pixels; boxes are half-open. axes: of the frame, `(z, y, x)` or `(y, x)`."""
    fields = [("frame", pa.int64()), ("label", pa.uint32()), ("volume_px", pa.int64())]
    fields += [(f"centroid_{axis}", pa.float64()) for axis in axes]
    fields += [(f"{axis}_{end}", pa.int64()) for end in ("start", "stop") for axis in axes]
    return pa.schema(fields)


def measure(labels: Labels, first_frame: int, axes: Sequence[str]) -> pa.Table:
    """Measure every label of consecutive frames.

    labels: `(frames, [z,] y, x)`. Rows are ordered by frame, then label. In 2D `volume_px` is the area.
    """
    n = len(axes)
    schema = measured_schema(axes)
    parts = []
    for offset, frame in enumerate(labels):
        found = regionprops_table(frame, properties=("label", "area", "centroid", "bbox"))
        columns = [np.full(len(found["label"]), first_frame + offset), found["label"], found["area"]]
        columns += [found[f"centroid-{i}"] for i in range(n)] + [found[f"bbox-{i}"] for i in range(2 * n)]
        parts.append(pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema))
    return pa.concat_tables(parts)


def complete(measured: pa.Table, rows: Mapping[str, Sequence[Any]] | pa.Table) -> pa.Table:
    """Join what the composer says of each cell to what was measured.

    rows: columns `frame` and `label`, which name each measured cell exactly once in any order, and any others.
    Raises ValueError when cells and rows differ, or a column is one of the measured ones.
    """
    given = rows if isinstance(rows, pa.Table) else pa.table(dict(rows))
    extra = [name for name in given.column_names if name not in KEY]
    if clash := sorted(set(extra) & set(measured.column_names)):
        raise ValueError(f"columns {clash} are measured by the store: leave them out")
    keys = measured.select(KEY).to_pylist()
    position = {(row["frame"], row["label"]): i for i, row in enumerate(given.select(KEY).to_pylist())}
    wanted = [(row["frame"], row["label"]) for row in keys]
    if len(position) != given.num_rows or position.keys() != set(wanted):
        wrong = sorted(position.keys() ^ set(wanted))[:3]
        raise ValueError(f"rows and labels name different cells (frame, label): {wrong or 'a row comes twice'}")
    ordered = given.select(extra).take(pa.array([position[key] for key in wanted], pa.int64()))
    for name in extra:
        measured = measured.append_column(name, ordered[name].combine_chunks())
    return measured


def to_parquet(table: pa.Table) -> bytes:
    """One Parquet file; equal tables give equal bytes with one pyarrow version."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=3, version="2.6")
    return bytes(sink.getvalue())
