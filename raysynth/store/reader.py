"""Read a data set: frames, labels and the cell table."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects, in_parallel
from raysynth.store import marks
from raysynth.store.dataset import read_manifest
from raysynth.store.frames import FrameReader
from raysynth.store.manifest import Manifest
from raysynth.store.spec import Array, DatasetSpec, table_key
from raysynth.store.table import measured_schema

LabelledFrame = tuple[int, NDArray[Any], Labels]
"""Number, image and labels of one frame."""


class Dataset:
    """One data set, opened for reading. Pixels are read when they are asked for, one frame's chunks at a time.

    Frames that a failed shard left out are skipped: `len`, iteration, positions and `present` cover what is there.

    Parameters
    ----------
    uri
        A folder, `file:///folder` or `s3://bucket/prefix`.

    Attributes
    ----------
    uri
        The address, without a slash at its end.
    objects
        The opened store.
    manifest
        What determined the data set's bytes.
    spec
        The shape of its arrays.

    Raises
    ------
    InputError
        When there is no data set.
    """

    def __init__(self, uri: str | Path) -> None:
        self.objects = Objects(uri)
        self.uri = self.objects.uri
        self.manifest: Manifest = read_manifest(self.objects)
        self.spec: DatasetSpec = self.manifest.dataset
        self._arrays: dict[tuple[Array, int], zarr.Array[Any]] = {}
        self._readers: dict[tuple[Array, int], FrameReader] = {}

    @property
    def voxel_um(self) -> tuple[float, ...] | None:
        """Voxel size z, y, x (2D: y, x) in µm; None: lengths are in pixels."""
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
        """Open the Zarr array of one level, which is read as it is sliced.

        Parameters
        ----------
        array
            `image` or `labels`.
        level
            Level of the pyramid; 0: full frames.

        Returns
        -------
        zarr.Array
            `(t, [z,] y, x)`; missing frames are zero.

        Raises
        ------
        InputError
            When the data set has no such level.
        """
        self._check_level(level)
        if (array, level) not in self._arrays:
            path = self.spec.array_path(array, level)
            self._arrays[array, level] = zarr.open_array(self.objects.zarr(), path=path, mode="r", zarr_format=3)
        return self._arrays[array, level]

    def image(self, frame: int, level: int = 0) -> NDArray[Any]:
        """Read the image of one frame.

        Parameters
        ----------
        frame
            Number of the frame.
        level
            Level of the pyramid; 0: full frames.

        Returns
        -------
        numpy.ndarray
            `([z,] y, x)`, in the data set's type.

        Raises
        ------
        IndexError
            When the frame is missing.
        InputError
            When the data set has no such level, or the frame's shard is damaged.
        """
        return self._frame("image", frame, level)

    def labels(self, frame: int, level: int = 0) -> Labels:
        """Read the labels of one frame.

        Parameters
        ----------
        frame
            Number of the frame.
        level
            Level of the pyramid; 0: full frames.

        Returns
        -------
        numpy.ndarray
            `([z,] y, x)`, uint32; 0 is background.

        Raises
        ------
        IndexError
            When the frame is missing.
        InputError
            When the data set has no such level, or the frame's shard is damaged.
        """
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

    def shard_labels(self, index: int) -> Labels:
        """Read the labels of all frames of one shard.

        Parameters
        ----------
        index
            Number of the shard.

        Returns
        -------
        numpy.ndarray
            `(frames, [z,] y, x)`, uint32.
        """
        frames = self.spec.shard_frames(index)
        # By zarr and not by FrameReader: what `verify` checks is then what other tools read.
        return np.asarray(self.array("labels")[frames.start : frames.stop])

    def __len__(self) -> int:
        return len(self.present)

    def __getitem__(self, position: int) -> LabelledFrame:
        """Read the frame at a position among those that are present: its number, image and labels."""
        frame = self.present[position]
        return frame, self.image(frame), self.labels(frame)

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Read every frame that is present: its number, image and labels."""
        return (self[position] for position in range(len(self)))

    def shard_cells(self, index: int) -> pa.Table:
        """Read one shard's part of the cell table.

        Parameters
        ----------
        index
            Number of the shard.
        """
        return pq.read_table(pa.BufferReader(self.objects.get(table_key(index))))

    def cells(self) -> pa.Table:
        """Read the whole cell table.

        Returns
        -------
        pyarrow.Table
            One row per cell and frame, ordered by frame and label.
        """
        parts = in_parallel(self.shard_cells, sorted(marks.done_shards(self.objects)))
        # Without any finished shard the table still has its measured columns.
        none = measured_schema(self.spec.axes[1:]).empty_table()
        # A column that one part lacks, or has as nulls alone, is filled with nulls in it.
        return pa.concat_tables(parts or [none], promote_options="default")
