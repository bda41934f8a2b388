"""The shape of a data set: its levels, chunks, shards and the names of its objects.

Every array has the axes `t, y, x` or `t, z, y, x`; t is the frame and is never down-sampled, so one shard index means
the same frames at every level, in the image and in the labels (DESIGN, Dataset).
"""

import math
from itertools import product
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from raysynth.store.codecs import Codecs

Array = Literal["image", "labels"]
ARRAYS: tuple[Array, ...] = ("image", "labels")
LABEL_DTYPE = "uint32"
FOLDERS: dict[Array, str] = {"image": "", "labels": "labels/cells/"}

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class DatasetSpec(BaseModel):
    """What the arrays of one data set look like. Part of the manifest: all but `frames` is fixed for its life."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: Count
    frame_shape: tuple[Count, ...] = Field(min_length=2, max_length=3, description="pixels z, y, x (2D: y, x)")
    dtype: Literal["uint8", "uint16"]
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
        """Number of shards along t."""
        return math.ceil(self.frames / self.frames_per_shard)

    def shard_frames(self, index: int) -> range:
        """The frames of shard `index`; the last shard may hold fewer than `frames_per_shard`."""
        if not 0 <= index < self.shards:
            raise ValueError(f"shard {index} is outside the data set's {self.shards} shards")
        first = index * self.frames_per_shard
        return range(first, min(first + self.frames_per_shard, self.frames))

    def factors(self, level: int) -> tuple[int, ...]:
        """Down-sampling of each frame axis at `level`.

        A level halves the axes that are finer than twice the finest one, so anisotropic volumes become isotropic first.
        """
        voxel = self.voxel_um or (1.0,) * len(self.frame_shape)
        factors = [1] * len(voxel)
        for _ in range(level):
            spacing = [v * f for v, f in zip(voxel, factors, strict=True)]
            factors = [f * 2 if s < 2 * min(spacing) else f for f, s in zip(factors, spacing, strict=True)]
        return tuple(factors)

    def level_shape(self, level: int) -> tuple[int, ...]:
        """Frame shape at `level`, rounded up."""
        return tuple(math.ceil(n / f) for n, f in zip(self.frame_shape, self.factors(level), strict=True))

    def array_dtype(self, array: Array) -> str:
        """Data type of the image or of the labels."""
        return self.dtype if array == "image" else LABEL_DTYPE

    def itemsize(self, array: Array) -> int:
        """Bytes of one pixel."""
        return {"uint8": 1, "uint16": 2, "uint32": 4}[self.array_dtype(array)]

    def chunk(self, array: Array, level: int) -> tuple[int, ...]:
        """Chunk shape, t first: one frame, or the frame halved along its longest axis until it fits `chunk_limit`."""
        tile = list(self.level_shape(level))
        while math.prod(tile) * self.itemsize(array) > self.chunk_limit:
            longest = tile.index(max(tile))
            tile[longest] = math.ceil(tile[longest] / 2)
        return (1, *tile)

    def shard(self, array: Array, level: int) -> tuple[int, ...]:
        """Shard shape, t first: `frames_per_shard` frames, tiled in whole chunks when they exceed `shard_limit`."""
        chunk = self.chunk(array, level)[1:]
        tiles = [math.ceil(n / c) for n, c in zip(self.level_shape(level), chunk, strict=True)]
        chunk_bytes = math.prod(chunk) * self.itemsize(array) * self.frames_per_shard
        while math.prod(tiles) * chunk_bytes > self.shard_limit and max(tiles) > 1:
            most = tiles.index(max(tiles))
            tiles[most] = math.ceil(tiles[most] / 2)
        return (self.frames_per_shard, *(c * t for c, t in zip(chunk, tiles, strict=True)))

    def array_path(self, array: Array, level: int) -> str:
        """Path of one array inside the data set."""
        return f"{FOLDERS[array]}{level}"

    def shard_tiles(self, array: Array, level: int) -> list[str]:
        """Positions of the Zarr shards beside each other in one frame, as they stand in object names."""
        shard = self.shard(array, level)[1:]
        counts = [math.ceil(n / s) for n, s in zip(self.level_shape(level), shard, strict=True)]
        return ["/".join(map(str, position)) for position in product(*map(range, counts))]

    def shard_keys(self, array: Array, level: int, index: int) -> list[str]:
        """Names of the objects that hold shard `index` of one array."""
        return [f"{self.array_path(array, level)}/c/{index}/{tile}" for tile in self.shard_tiles(array, level)]


def table_key(index: int) -> str:
    """Name of a shard's part of the cell table."""
    return f"cells.parquet/part-{index:05d}.parquet"
