"""Write one shard: its image, labels and table part, then its done mark.

A shard has one writer. It encodes whole Zarr shards at every level in memory and puts each as one object, so there is
never a read-modify-write of a Zarr shard (concurrent ones lose data silently, zarr-python issue 3682).
"""

import hashlib
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raysynth.store import marks, table
from raysynth.store.objects import Objects
from raysynth.store.pyramid import shrink_image, shrink_labels
from raysynth.store.shards import encode
from raysynth.store.spec import LABEL_DTYPE, DatasetSpec, table_key


def _check_aligned(spec: DatasetSpec, index: int, images: NDArray[Any], labels: NDArray[Any]) -> None:
    """Refuse anything but exactly the frames of one shard in the data set's own types."""
    expected = (len(spec.shard_frames(index)), *spec.frame_shape)
    for name, array, dtype in (("images", images, spec.dtype), ("labels", labels, LABEL_DTYPE)):
        if array.shape != expected or array.dtype != dtype:
            raise ValueError(
                f"{name} of shard {index} are {array.dtype} {array.shape}, not the whole shard, {dtype} {expected}"
            )


def encode_frames(spec: DatasetSpec, index: int, images: NDArray[Any], labels: NDArray[Any]) -> dict[str, bytes]:
    """The objects that hold shard `index`, by key: every array and level. Frames `(t, [z,] y, x)`, fewer than a whole
    shard only at the end of a data set, or to see how many bytes they take."""
    objects: dict[str, bytes] = {}
    for level in range(spec.levels):
        factors = spec.factors(level)
        objects |= encode(spec, "image", level, index, shrink_image(images, factors))
        objects |= encode(spec, "labels", level, index, shrink_labels(labels, factors))
    return objects


def write_shard(
    uri: str,
    spec: DatasetSpec,
    index: int,
    images: NDArray[Any],
    labels: NDArray[np.uint32],
    rows: Mapping[str, Sequence[Any]] | pa.Table,
    counts: Mapping[str, int],
) -> None:
    """Write shard `index` of the data set at `uri` whole, then mark it as done.

    spec: the data set's, from its manifest.
    images, labels: `(frames, [z,] y, x)`, all frames of the shard, in the data set's type and in uint32.
    rows: one per cell: `frame` (of the data set), `label`, and what else the composer knows of it (`table.complete`).
    counts: deterministic totals of this shard. Raises ValueError, before anything is written, when the arrays are not
    the whole shard or the rows do not name the labels' cells.
    """
    objects = Objects(uri)
    _check_aligned(spec, index, images, labels)
    if fractions := sorted(name for name, value in counts.items() if not isinstance(value, Integral)):
        raise ValueError(f"counts are summed over shards, so they are integers: leave out {fractions}")
    measured = table.measure(labels, spec.shard_frames(index).start, spec.axes[1:])
    data = encode_frames(spec, index, images, labels)
    data[table_key(index)] = table.to_parquet(table.complete(measured, rows))
    marks.remove_done(objects, index)
    objects.put_all(data)
    sha256 = {key: hashlib.sha256(value).hexdigest() for key, value in data.items()}
    counted = {name: int(value) for name, value in counts.items()}
    marks.write_done(objects, index, marks.DoneMark(frames=len(images), sha256=sha256, counts=counted))
