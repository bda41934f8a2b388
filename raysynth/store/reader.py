"""Read a data set: frames, labels and the cell table."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray

from raysynth.store import marks
from raysynth.store.dataset import read_manifest
from raysynth.store.manifest import Manifest
from raysynth.store.objects import Objects, in_parallel
from raysynth.store.spec import Array, DatasetSpec, table_key
from raysynth.store.table import measured_schema


class Dataset:
    """One data set, opened for reading.

    Frames that a failed shard left out are skipped: `len`, iteration and `present` cover what is there.
    Raises InputError when there is no data set at `uri`.
    """

    def __init__(self, uri: str) -> None:
        self.objects = Objects(uri)
        self.uri = self.objects.uri
        self.manifest: Manifest = read_manifest(self.objects)
        self.spec: DatasetSpec = self.manifest.dataset
        self._arrays: dict[tuple[Array, int], zarr.Array[Any]] = {}

    @property
    def voxel_um(self) -> tuple[float, ...] | None:
        """Voxel size z, y, x (2D: y, x) in µm; None: pixel units."""
        return self.spec.voxel_um

    @cached_property
    def missing(self) -> frozenset[int]:
        """Frames that hold no data, as the image's attributes list them."""
        attributes: dict[str, Any] = zarr.open_group(self.objects.zarr(), mode="r").attrs.asdict()
        return frozenset(attributes["raysynth"]["missing_frames"])

    @cached_property
    def present(self) -> list[int]:
        """Frames that hold data, in order."""
        return [frame for frame in range(self.spec.frames) if frame not in self.missing]

    def array(self, array: Array, level: int = 0) -> zarr.Array[Any]:
        """The Zarr array of one level, `(t, [z,] y, x)`, missing frames included."""
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
        return np.asarray(self.array(array, level)[frame])

    def shard_labels(self, index: int) -> NDArray[np.uint32]:
        """The labels of all frames of one shard, `(frames, [z,] y, x)`."""
        frames = self.spec.shard_frames(index)
        return np.asarray(self.array("labels")[frames.start : frames.stop])

    def __len__(self) -> int:
        return len(self.present)

    def __iter__(self) -> Iterator[tuple[int, NDArray[Any], NDArray[np.uint32]]]:
        """Frame number, image and labels of every frame that is present."""
        for frame in self.present:
            yield frame, self.image(frame), self.labels(frame)

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
