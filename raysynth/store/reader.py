"""Read a data set: frames, labels and the cell table."""

import json
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects, in_parallel
from raysynth.store import marks
from raysynth.store.dataset import read_manifest
from raysynth.store.frames import FrameReader
from raysynth.store.manifest import Manifest
from raysynth.store.spec import Array, DatasetSpec, table_key
from raysynth.store.table import measured_schema

if TYPE_CHECKING:
    from raysynth.export.torch_dataset import TorchDataset, Transform

Item = tuple[int, NDArray[Any], NDArray[np.uint32]]


class Dataset:
    """One data set, opened for reading. Pixels are read when they are asked for, one frame's chunks at a time.

    Frames that a failed shard left out are skipped: `len`, iteration, positions and `present` cover what is there.
    Raises InputError when there is no data set at `uri`.
    """

    def __init__(self, uri: str) -> None:
        self.objects = Objects(uri)
        self.uri = self.objects.uri
        self.manifest: Manifest = read_manifest(self.objects)
        self.spec: DatasetSpec = self.manifest.dataset
        self._arrays: dict[tuple[Array, int], zarr.Array[Any]] = {}
        self._readers: dict[tuple[Array, int], FrameReader] = {}

    @property
    def voxel_um(self) -> tuple[float, ...] | None:
        """Voxel size z, y, x (2D: y, x) in µm; None: pixel units."""
        return self.spec.voxel_um

    @cached_property
    def missing(self) -> frozenset[int]:
        """Frames that hold no data, as the image's attributes list them."""
        document = json.loads(self.objects.get("zarr.json"))
        return frozenset(document["attributes"]["raysynth"]["missing_frames"])

    @cached_property
    def present(self) -> list[int]:
        """Frames that hold data, in order."""
        return [frame for frame in range(self.spec.frames) if frame not in self.missing]

    def array(self, array: Array, level: int = 0) -> zarr.Array[Any]:
        """The Zarr array of one level, `(t, [z,] y, x)`, read as it is sliced; missing frames are zero.

        Raises InputError when the data set has no such level.
        """
        self._check_level(level)
        if (array, level) not in self._arrays:
            path = self.spec.array_path(array, level)
            self._arrays[array, level] = zarr.open_array(self.objects.zarr(), path=path, mode="r", zarr_format=3)
        return self._arrays[array, level]

    def image(self, frame: int, level: int = 0) -> NDArray[Any]:
        """One frame's image, `([z,] y, x)`, in the data set's type; IndexError when it is missing."""
        return self._frame("image", frame, level)

    def labels(self, frame: int, level: int = 0) -> NDArray[np.uint32]:
        """One frame's labels, `([z,] y, x)`, uint32, 0 is background; IndexError when it is missing."""
        return self._frame("labels", frame, level)

    def _frame(self, array: Array, frame: int, level: int) -> NDArray[Any]:
        if not 0 <= frame < self.spec.frames or frame in self.missing:
            raise IndexError(f"{self.uri} has no frame {frame}")
        self._check_level(level)
        if (array, level) not in self._readers:
            self._readers[array, level] = FrameReader(self.objects, self.spec, array, level)
        return self._readers[array, level].read(frame)

    def _check_level(self, level: int) -> None:
        if not 0 <= level < self.spec.levels:
            raise InputError(f"{self.uri} has no level {level}: choose one from 0 to {self.spec.levels - 1}")

    @property
    def requests(self) -> int:
        """How often `image`, `labels`, positions and iteration have asked the store for pixels or their places."""
        return sum(reader.requests for reader in self._readers.values())

    def shard_labels(self, index: int) -> NDArray[np.uint32]:
        """The labels of all frames of one shard, `(frames, [z,] y, x)`."""
        frames = self.spec.shard_frames(index)
        return np.asarray(self.array("labels")[frames.start : frames.stop])

    def __len__(self) -> int:
        return len(self.present)

    def __getitem__(self, position: int) -> Item:
        """Frame number, image and labels of the frame at `position` among those that are present."""
        frame = self.present[position]
        return frame, self.image(frame), self.labels(frame)

    def __iter__(self) -> Iterator[Item]:
        """Frame number, image and labels of every frame that is present."""
        return (self[position] for position in range(len(self)))

    def torch(self, transform: "Transform | None" = None, level: int = 0) -> "TorchDataset":
        """The same frames as a `torch.utils.data.Dataset` of image and labels (`torch_dataset.TorchDataset`)."""
        from raysynth.export.torch_dataset import TorchDataset  # reading needs no torch

        return TorchDataset(self.uri, transform, level)

    def shard_cells(self, index: int) -> pa.Table:
        """One shard's part of the cell table."""
        return pq.read_table(pa.BufferReader(self.objects.get(table_key(index))))

    def cells(self) -> pa.Table:
        """The whole cell table, ordered by frame and label: one row per cell and frame."""
        parts = in_parallel(self.shard_cells, sorted(marks.done_shards(self.uri)))
        none = measured_schema(self.spec.axes[1:]).empty_table()
        return pa.concat_tables(parts or [none], promote_options="default")


def open_dataset(uri: str) -> Dataset:
    """Open the data set at `uri`: a folder, file:// address or s3://bucket/prefix."""
    return Dataset(uri)
