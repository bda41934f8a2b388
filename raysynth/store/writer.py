"""Write one shard: its image, labels and table part, then its done mark.

A shard has one writer. It encodes whole Zarr shards of every level in memory and puts each as one object, so there is
never a read-modify-write of a Zarr shard (concurrent ones lose data silently, zarr-python issue 3682).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from numbers import Integral
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from raysynth.base.arrays import Labels
from raysynth.base.objects import Objects, in_parallel
from raysynth.store import marks, table
from raysynth.store.pyramid import shrink_image, shrink_labels
from raysynth.store.shards import encode
from raysynth.store.spec import ARRAYS, LABEL_DTYPE, Array, DatasetSpec, table_key


def _check_aligned(spec: DatasetSpec, index: int, images: NDArray[Any], labels: NDArray[Any]) -> None:
    """Refuse anything but exactly the frames of one shard in the data set's own types."""
    expected = (len(spec.shard_frames(index)), *spec.frame_shape)
    for name, array, dtype in (("images", images, spec.dtype), ("labels", labels, LABEL_DTYPE)):
        if array.shape != expected or array.dtype != dtype:
            raise ValueError(
                f"{name} of shard {index} are {array.dtype} {array.shape}, not the whole shard, {dtype} {expected}"
            )


def encode_frames(spec: DatasetSpec, index: int, images: NDArray[Any], labels: NDArray[Any]) -> dict[str, bytes]:
    """Encode the pixels of a shard: every array and level.

    Parameters
    ----------
    spec
        The shape of the data set.
    index
        Number of the shard.
    images, labels
        Its frames `(t, [z,] y, x)`, in the data set's type and in uint32. They are fewer than a whole shard only at the
        end of a data set, or to see how many bytes they take.

    Returns
    -------
    dict of str to bytes
        The objects by key.
    """
    # In this thread alone: a forecast times it as the work of one CPU.
    parts = [_encode_level(spec, index, images, labels, *task) for task in _levels(spec)]
    return {key: data for part in parts for key, data in part.items()}


def _encode_level(
    spec: DatasetSpec, index: int, images: NDArray[Any], labels: NDArray[Any], array: Array, level: int
) -> dict[str, bytes]:
    """Encode one array at one level; objects by key."""
    factors = spec.factors(level)
    frames = shrink_image(images, factors) if array == "image" else shrink_labels(labels, factors)
    return encode(spec, array, level, index, frames)


def _levels(spec: DatasetSpec) -> Iterator[tuple[Array, int]]:
    """Name every array at every level, the largest first."""
    # Begun last, the largest would be waited for alone.
    return ((array, level) for level, array in product(range(spec.levels), ARRAYS))


def _put(objects: Objects, data: Mapping[str, bytes] | Future[dict[str, bytes]]) -> dict[str, str]:
    """Write objects, once they are encoded; returns the SHA-256 of each."""
    encoded = data.result() if isinstance(data, Future) else data
    in_parallel(lambda item: objects.put(*item), encoded.items())
    return {key: hashlib.sha256(value).hexdigest() for key, value in encoded.items()}


def write_shard(
    objects: Objects,
    spec: DatasetSpec,
    index: int,
    images: NDArray[Any],
    labels: Labels,
    rows: Mapping[str, Sequence[Any]] | pa.Table,
    counts: Mapping[str, int],
) -> None:
    """Write one shard whole, then mark it as done.

    Parameters
    ----------
    objects
        The data set.
    spec
        Its shape, from its manifest.
    index
        Number of the shard.
    images, labels
        All frames of the shard, `(frames, [z,] y, x)`, in the data set's type and in uint32.
    rows
        One row per cell: `frame` (of the data set), `label`, and what else the composer knows of it
        (`table.complete`).
    counts
        Deterministic totals of this shard, as integers.

    Raises
    ------
    ValueError
        When the arrays are not the whole shard, or the rows do not name the labels' cells. Nothing is written then.
    """
    _check_aligned(spec, index, images, labels)
    if fractions := sorted(name for name, value in counts.items() if not isinstance(value, Integral)):
        raise ValueError(f"counts are summed over shards, so they are integers: leave out {fractions}")
    with ThreadPoolExecutor() as threads:
        # Compressing and hashing leave the interpreter free: levels are encoded side by side, and while the labels are
        # measured. Nothing is written before they are found valid.
        encoding = [threads.submit(_encode_level, spec, index, images, labels, *task) for task in _levels(spec)]
        measured = table.measure(labels, spec.shard_frames(index).start, spec.axes[1:])
        part = {table_key(index): table.to_parquet(table.complete(measured, rows))}
        # From here on until the new mark, old and new objects may stand side by side, so the shard must not count as
        # done.
        marks.remove_done(objects, index)
        stored = [threads.submit(_put, objects, level) for level in encoding]
        sha256 = _put(objects, part)
        for digests in stored:
            sha256 |= digests.result()
    # Before the mark, which must not outlast a loss of power that its data do not.
    objects.flush(sha256)
    counted = {name: int(value) for name, value in counts.items()}
    marks.write_done(objects, index, marks.DoneMark(frames=len(images), sha256=sha256, counts=counted))
