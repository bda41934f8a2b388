"""Read single frames out of shards: the chunks of one frame and nothing else, with one request for each object.

zarr-python asks for a shard's index again with every frame. Here the indices read last are kept.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store.shards import ABSENT, Index, codec_of, decode_index, grid_shape, index_bytes, tiles
from raysynth.store.spec import Array, DatasetSpec

_KEPT = 64  # indices; some KB each


class FrameReader:
    """Reads frames of one array at one level. Not for several threads at a time.

    Parameters
    ----------
    objects
        The data set.
    spec
        Its shape.
    array, level
        Which array, at which level of the pyramid.
    """

    def __init__(self, objects: Objects, spec: DatasetSpec, array: Array, level: int) -> None:
        self._objects, self._spec, self._array, self._level = objects, spec, array, level
        self._grid = grid_shape(spec, array, level)
        self._chunk = spec.chunk(array, level)[1:]
        self._tile = spec.shard(array, level)[1:]
        self._codec = codec_of(spec, array)
        self._indices: dict[str, Index] = {}

    def read(self, frame: int) -> NDArray[Any]:
        """Read one frame.

        Parameters
        ----------
        frame
            Number of the frame, which is not a missing one.

        Returns
        -------
        numpy.ndarray
            `([z,] y, x)`.

        Raises
        ------
        InputError
            When an object of the frame's shard is missing or damaged.
        """
        shard, position = divmod(frame, self._spec.frames_per_shard)
        shape = self._spec.level_shape(self._level)
        # Nothing is left unset: `_fill` refuses an object that lacks a chunk of the frame.
        image = np.empty(shape, self._spec.array_dtype(self._array))
        keys = self._spec.shard_keys(self._array, self._level, shard)
        for key, region in zip(keys, tiles(shape, self._tile), strict=True):
            try:
                self._fill(image[region], key, position)
            # RuntimeError is what numcodecs raises for a chunk that it cannot decompress.
            except (FileNotFoundError, ValueError, RuntimeError) as error:
                problem = "missing" if isinstance(error, FileNotFoundError) else "damaged"
                uri = self._objects.uri
                raise InputError(f"{uri}/{key} is {problem}: run `raysynth verify {uri} --repair`") from error
        return image

    def _fill(self, image: NDArray[Any], key: str, position: int) -> None:
        """Decode the chunks of one frame in one object into `image`, the part of the frame that it holds."""
        regions = list(tiles(image.shape, self._chunk))
        offsets, lengths = np.moveaxis(self._index(key)[position], -1, 0)
        # Chunks past the frame's end are absent; the others stand in the order of their tiles.
        held = offsets != ABSENT
        starts, sizes = offsets[held].tolist(), lengths[held].tolist()
        if len(starts) != len(regions):
            raise ValueError("the index lacks chunks")
        parts = self._objects.get_ranges(key, starts, sizes)
        for data, region in zip(parts, regions, strict=True):
            chunk = np.frombuffer(self._codec.decode(data), image.dtype).reshape(self._chunk)
            # Chunks at the end of a frame are stored whole, with zeros past it.
            image[region] = chunk[tuple(slice(0, n) for n in image[region].shape)]

    def _index(self, key: str) -> Index:
        if key not in self._indices:
            index = decode_index(self._objects.get_tail(key, index_bytes(self._grid)), self._grid)
            if len(self._indices) == _KEPT:
                # Dictionaries keep the order of insertion: this is the oldest.
                del self._indices[next(iter(self._indices))]
            self._indices[key] = index
        return self._indices[key]
