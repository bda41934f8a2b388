"""Zarr shards as bytes: many compressed chunks, then the index of where each lies, then the index's checksum.

The layout is Zarr v3's `sharding_indexed` codec with its index at the end. Encoding it here was measured to be three to
four times faster than filling an array of zarr-python (bench/performance/storage.py). With the index at hand one chunk
is read back with one request.
"""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import google_crc32c
import numpy as np
from numcodecs.abc import Codec
from numpy.typing import NDArray

from raysynth.store.spec import Array, DatasetSpec

# How Zarr marks a chunk that is not there, as its offset and as its length.
ABSENT = np.iinfo(np.uint64).max
_CHECKSUM_BYTES = 4

Index = NDArray[np.uint64]
_Region = tuple[slice, ...]


def encode(spec: DatasetSpec, array: Array, level: int, index: int, frames: NDArray[Any]) -> dict[str, bytes]:
    """Encode a shard of one array.

    Chunks that lie past the frames' end are left out, as zarr does; all others are there, empty or not.

    Parameters
    ----------
    spec
        The shape of the data set.
    array, level
        Which array, at which level of the pyramid.
    index
        Number of the shard.
    frames
        Its frames at that level, `(t, [z,] y, x)`.

    Returns
    -------
    dict of str to bytes
        The objects that hold it, by key.
    """
    chunk, codec = spec.chunk(array, level), codec_of(spec, array)
    grid = grid_shape(spec, array, level)
    regions = tiles(spec.level_shape(level), spec.shard(array, level)[1:])
    keys = spec.shard_keys(array, level, index)
    return {
        key: _encode_shard(frames[(slice(None), *region)], chunk, grid, codec)
        for key, region in zip(keys, regions, strict=True)
    }


def codec_of(spec: DatasetSpec, array: Array) -> Codec:
    """Make what compresses a chunk.

    Parameters
    ----------
    spec
        The shape of the data set.
    array
        The image or the labels.
    """
    compressor = spec.codecs.image if array == "image" else spec.codecs.labels
    return compressor.codec(spec.itemsize(array))


def grid_shape(spec: DatasetSpec, array: Array, level: int) -> tuple[int, ...]:
    """Count the chunks in one shard along each axis, t first.

    Parameters
    ----------
    spec
        The shape of the data set.
    array, level
        Which array, at which level of the pyramid.
    """
    return tuple(s // c for s, c in zip(spec.shard(array, level), spec.chunk(array, level), strict=True))


def tiles(shape: tuple[int, ...], size: tuple[int, ...]) -> Iterator[_Region]:
    """Cut a frame into parts of one size, smaller only at its end.

    Parameters
    ----------
    shape
        Of the frame.
    size
        Of a part.

    Yields
    ------
    tuple of slice
        The parts in C order.
    """
    starts = (range(0, n, s) for n, s in zip(shape, size, strict=True))
    for corner in product(*starts):
        yield tuple(slice(a, min(a + s, n)) for a, s, n in zip(corner, size, shape, strict=True))


def _encode_shard(frames: NDArray[Any], chunk: tuple[int, ...], grid: tuple[int, ...], codec: Codec) -> bytes:
    """Encode one object. frames: `(t, [z,] y, x)`, the shard's part of its frames; grid: chunks of a whole shard."""
    # The index has an entry for every chunk of a full shard, also where the data end before. Its byte order is the
    # format's, not the machine's.
    index = np.full((*grid, 2), ABSENT, "<u8")
    held = (len(frames), *(math.ceil(n / c) for n, c in zip(frames.shape[1:], chunk[1:], strict=True)))
    regions = list(tiles(frames.shape[1:], chunk[1:]))
    parts: list[bytes] = []
    offset = 0
    # Both sides run in C order, frames before tiles, which is the order that `FrameReader` relies on.
    for position, (frame, region) in zip(np.ndindex(held), product(frames, regions), strict=True):
        data = codec.encode(_whole(frame[region], chunk[1:]))
        index[position] = offset, len(data)
        offset += len(data)
        parts.append(data)
    listed = index.tobytes()
    return b"".join([*parts, listed, google_crc32c.value(listed).to_bytes(_CHECKSUM_BYTES, "little")])


def _whole(tile: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Lay a tile out in C order, filled up with zeros to the shape of a chunk."""
    if tile.shape == shape:
        # The codec takes memory as it lies, and a level of the labels is a strided view of the frames.
        return np.ascontiguousarray(tile)
    chunk = np.zeros(shape, tile.dtype)
    chunk[tuple(map(slice, tile.shape))] = tile
    return chunk


def index_bytes(grid: tuple[int, ...]) -> int:
    """Count the bytes of an index with its checksum, at the end of a shard.

    Parameters
    ----------
    grid
        Chunks of the shard along each axis (`grid_shape`).
    """
    return 16 * math.prod(grid) + _CHECKSUM_BYTES


def decode_index(data: bytes, grid: tuple[int, ...]) -> Index:
    """Read where each chunk lies.

    Parameters
    ----------
    data
        The end of a shard, `index_bytes(grid)` long.
    grid
        Chunks of the shard along each axis (`grid_shape`).

    Returns
    -------
    numpy.ndarray
        Offset and length of each chunk in bytes, `(*grid, 2)`.

    Raises
    ------
    ValueError
        When it is damaged.
    """
    listed, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    # A truncated object may be shorter than its index.
    if len(data) != index_bytes(grid) or google_crc32c.value(listed) != int.from_bytes(checksum, "little"):
        raise ValueError("the shard's index is damaged")
    return np.frombuffer(listed, "<u8").reshape(*grid, 2)
