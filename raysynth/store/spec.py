"""The shape of a data set: its levels, chunks, shards and the names of its objects.

Every array has the axes `t, y, x` or `t, z, y, x`; t is the frame and is never down-sampled, so one shard index means
the same frames at every level, in the image and in the labels.
"""

import math
from itertools import product
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from raysynth.config.base import Count, Positive
from raysynth.store.codecs import Codecs

Array = Literal["image", "labels"]
ARRAYS: tuple[Array, ...] = ("image", "labels")
LABEL_DTYPE = "uint32"
_FOLDERS: dict[Array, str] = {"image": "", "labels": "labels/cells/"}


class DatasetSpec(BaseModel):
    """What the arrays of one data set look like. Part of the manifest: all but `frames` is fixed for its life.

    Attributes
    ----------
    frames
        Number of frames.
    frame_shape
        Size of a frame in pixels, z, y, x (2D: y, x).
    dtype
        Type of the image's pixels; labels are uint32.
    voxel_um
        Size of a voxel in µm, z, y, x (2D: y, x); None: lengths are in pixels.
    frames_per_shard
        Frames in one shard.
    levels
        Levels of the pyramid, the full frames among them.
    codecs
        How chunks are compressed.
    chunk_limit, shard_limit
        Largest chunk and shard in bytes, before compression.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: Count
    frame_shape: tuple[Count, ...] = Field(min_length=2, max_length=3, description="pixels z, y, x (2D: y, x)")
    dtype: Literal["uint8", "uint16", "float32"]
    voxel_um: tuple[Positive, ...] | None = Field(description="µm, z, y, x (2D: y, x); null: pixel units")
    frames_per_shard: Count
    levels: Count = 2
    codecs: Codecs = Codecs()
    chunk_limit: Annotated[int, Field(ge=512 * 1024)] = Field(4 * 2**20, description="largest chunk, raw bytes")
    shard_limit: Annotated[int, Field(ge=512 * 1024)] = Field(128 * 2**20, description="largest shard, raw bytes")

    @model_validator(mode="after")
    def _consistent(self) -> "DatasetSpec":
        if self.voxel_um is not None and len(self.voxel_um) != len(self.frame_shape):
            raise ValueError("voxel_um and frame_shape need the same number of axes")
        if self.chunk_limit > self.shard_limit:
            raise ValueError("chunk_limit is larger than shard_limit")
        return self

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of all axes, t first."""
        return ("t", *("z", "y", "x")[-len(self.frame_shape) :])

    @property
    def shards(self) -> int:
        """Number of shards, which lie along t."""
        return math.ceil(self.frames / self.frames_per_shard)

    def shard_frames(self, index: int) -> range:
        """Find the frames of a shard; the last one may hold fewer than `frames_per_shard`.

        Parameters
        ----------
        index
            Number of the shard.

        Raises
        ------
        ValueError
            When there is no such shard.
        """
        if not 0 <= index < self.shards:
            raise ValueError(f"shard {index} is outside the data set's {self.shards} shards")
        first = index * self.frames_per_shard
        return range(first, min(first + self.frames_per_shard, self.frames))

    def factors(self, level: int) -> tuple[int, ...]:
        """Compute the down-sampling of each frame axis at a level.

        A level halves the axes that are finer than twice the finest one, so anisotropic volumes become isotropic first.

        Parameters
        ----------
        level
            0 for full frames.
        """
        voxel = self.voxel_um or (1.0,) * len(self.frame_shape)
        factors = [1] * len(voxel)
        for _ in range(level):
            spacing = [v * f for v, f in zip(voxel, factors, strict=True)]
            # Strictly: an axis of exactly twice the finest spacing waits for the others to catch up.
            factors = [f * 2 if s < 2 * min(spacing) else f for f, s in zip(factors, spacing, strict=True)]
        return tuple(factors)

    def level_shape(self, level: int) -> tuple[int, ...]:
        """Compute the shape of a frame at a level, rounded up.

        Parameters
        ----------
        level
            0 for full frames.
        """
        return tuple(math.ceil(n / f) for n, f in zip(self.frame_shape, self.factors(level), strict=True))

    def array_dtype(self, array: Array) -> str:
        """Name the data type of the image or of the labels.

        Parameters
        ----------
        array
            Which of the two.
        """
        return self.dtype if array == "image" else LABEL_DTYPE

    def itemsize(self, array: Array) -> int:
        """Count the bytes of one pixel.

        Parameters
        ----------
        array
            The image or the labels.
        """
        return {"uint8": 1, "uint16": 2, "uint32": 4, "float32": 4}[self.array_dtype(array)]

    def chunk(self, array: Array, level: int) -> tuple[int, ...]:
        """Compute the shape of a chunk: one frame, halved along its longest axis until it fits `chunk_limit`.

        Parameters
        ----------
        array, level
            Which array, at which level of the pyramid.

        Returns
        -------
        tuple of int
            Pixels along t, which is 1, and along the frame's axes.
        """
        tile = list(self.level_shape(level))
        while math.prod(tile) * self.itemsize(array) > self.chunk_limit:
            longest = tile.index(max(tile))
            # Rounded up, so that two chunks cover an odd length.
            tile[longest] = math.ceil(tile[longest] / 2)
        return (1, *tile)

    def shard(self, array: Array, level: int) -> tuple[int, ...]:
        """Compute the shape of a shard: `frames_per_shard` frames, or whole chunks of them that fit `shard_limit`.

        Parameters
        ----------
        array, level
            Which array, at which level of the pyramid.

        Returns
        -------
        tuple of int
            Pixels along t and along the frame's axes.
        """
        chunk = self.chunk(array, level)[1:]
        tiles = [math.ceil(n / c) for n, c in zip(self.level_shape(level), chunk, strict=True)]
        chunk_bytes = math.prod(chunk) * self.itemsize(array) * self.frames_per_shard
        # A shard is never cut along t, so a single tile of many frames may exceed the limit.
        while math.prod(tiles) * chunk_bytes > self.shard_limit and max(tiles) > 1:
            most = tiles.index(max(tiles))
            tiles[most] = math.ceil(tiles[most] / 2)
        return (self.frames_per_shard, *(c * t for c, t in zip(chunk, tiles, strict=True)))

    def array_path(self, array: Array, level: int) -> str:
        """Name one array inside the data set.

        Parameters
        ----------
        array, level
            Which array, at which level of the pyramid.
        """
        return f"{_FOLDERS[array]}{level}"

    def shard_keys(self, array: Array, level: int, index: int) -> list[str]:
        """Name the objects that hold a shard of one array, in C order of the tiles of a frame.

        Parameters
        ----------
        array, level
            Which array, at which level of the pyramid.
        index
            Number of the shard.
        """
        shard = self.shard(array, level)[1:]
        counts = [math.ceil(n / s) for n, s in zip(self.level_shape(level), shard, strict=True)]
        tiles = ("/".join(map(str, position)) for position in product(*map(range, counts)))
        # `c/` and slashes are the default of Zarr v3, which every reader knows.
        return [f"{self.array_path(array, level)}/c/{index}/{tile}" for tile in tiles]

    def object_keys(self, index: int) -> set[str]:
        """Name all objects that hold a shard: its part of every array and level, and of the cell table.

        Parameters
        ----------
        index
            Number of the shard.
        """
        arrays = product(ARRAYS, range(self.levels))
        return {table_key(index), *(key for array, level in arrays for key in self.shard_keys(array, level, index))}


def table_key(index: int) -> str:
    """Name a shard's part of the cell table.

    Parameters
    ----------
    index
        Number of the shard.
    """
    return f"cells.parquet/part-{index:05d}.parquet"
