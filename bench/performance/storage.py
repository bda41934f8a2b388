"""Measure how fast a data set is written and read, against a plain file, zarr-python, and zarr with the zarrs pipeline.

    python -m bench storage [--suite YAML] [--dataset NAME=URI ...] [--repeats 5]

Writes again the first `--shards` shards of each data set, on the disk that holds `--folder`, in one process:

- whole shards as `generate` writes them, with pyramid, labels, table, checksums and marks, all on the disk in the end;
  against the same raw bytes in one plain file, flushed likewise. Rates are of raw bytes of image and labels.
- image and labels at full resolution alone: this project's encoder against zarr-python, which fills the same arrays of
  the same chunks, shards and codecs with its default pipeline, and with that of zarrs (`pip install zarrs`, else left
  out).
- the same arrays read back, whole.

Ways take turns within each repeat; medians and least are given. Writes `bench/results/storage.json`.
"""

import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import zarr
from numpy.typing import NDArray

from bench.common.environment import save_result
from bench.common.suite import described, suite_options
from raysynth.base.objects import Objects
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.manifest import Manifest
from raysynth.store.reader import Dataset
from raysynth.store.shards import encode
from raysynth.store.spec import ARRAYS, DatasetSpec
from raysynth.store.writer import write_shard

_DEFAULT = "zarr.core.codec_pipeline.BatchedCodecPipeline"
_ZARRS = "zarrs.ZarrsCodecPipeline"
_Ways = dict[str, Callable[[Path], None]]


class _Shard(NamedTuple):
    """One shard as the composer hands it over."""

    images: NDArray[Any]
    labels: NDArray[np.uint32]
    rows: pa.Table


class _Case:
    """Some shards of one data set, in memory, and the ways to write and read them."""

    def __init__(self, uri: str, shards: int) -> None:
        dataset = Dataset(uri)
        count = min(shards, dataset.spec.shards)
        frames = dataset.spec.shard_frames(count - 1).stop
        self.spec: DatasetSpec = dataset.spec.model_copy(update={"frames": frames})
        self.manifest: Manifest = dataset.manifest.model_copy(update={"dataset": self.spec})
        self.shards = [self._shard(dataset, index) for index in range(count)]
        self.raw = sum(shard.images.nbytes + shard.labels.nbytes for shard in self.shards)

    def _shard(self, dataset: Dataset, index: int) -> _Shard:
        frames = dataset.spec.shard_frames(index)
        images, labels = (np.stack([read(frame) for frame in frames]) for read in (dataset.image, dataset.labels))
        known = dataset.shard_cells(index).select(["frame", "label", "source_cell", "seed_key", "variation", "gain"])
        return _Shard(images, labels, known)

    def plain(self, folder: Path) -> None:
        """Write raw bytes, one after the other, into one file."""
        with (folder / "plain").open("wb") as file:
            for shard in self.shards:
                file.write(shard.images.data)
                file.write(shard.labels.data)
            file.flush()
            os.fsync(file.fileno())

    def whole(self, folder: Path) -> None:
        """Write a data set, as `generate` does."""
        objects = Objects(folder, create=True)
        create_dataset(objects, self.manifest)
        for index, shard in enumerate(self.shards):
            write_shard(objects, self.spec, index, *shard, {})
        finalise(objects)

    def encoder(self, folder: Path) -> None:
        """Write image and labels at full resolution by this project's encoder."""
        objects = Objects(str(folder))
        for index, shard in enumerate(self.shards):
            for array, pixels in zip(ARRAYS, shard[:2], strict=True):
                for key, data in encode(self.spec, array, 0, index, pixels).items():
                    objects.put(key, data)

    def zarr(self, pipeline: str) -> Callable[[Path], None]:
        """Write the same by an array of zarr-python."""

        def write(folder: Path) -> None:
            with zarr.config.set({"codec_pipeline.path": pipeline}):
                for array, position in zip(ARRAYS, (0, 1), strict=True):
                    target = self._create(folder / array, array)
                    for index, shard in enumerate(self.shards):
                        frames = self.spec.shard_frames(index)
                        target[frames.start : frames.stop] = shard[position]

        return write

    def _create(self, folder: Path, array: Any) -> Any:
        codec = self.spec.codecs.image if array == "image" else self.spec.codecs.labels
        return zarr.create_array(
            zarr.storage.LocalStore(folder),
            shape=(self.spec.frames, *self.spec.frame_shape),
            dtype=self.spec.array_dtype(array),
            chunks=self.spec.chunk(array, 0),
            shards=self.spec.shard(array, 0),
            compressors=codec.in_zarr(self.spec.itemsize(array)),
            filters=None,
            fill_value=0,
        )

    def reader(self, folder: Path) -> None:
        """Read all frames by this project's reader."""
        for _ in Dataset(str(folder)):
            pass

    def zarr_reader(self, pipeline: str) -> Callable[[Path], None]:
        """Read all frames by zarr-python, one shard at a time."""

        def read(folder: Path) -> None:
            with zarr.config.set({"codec_pipeline.path": pipeline}):
                dataset = Dataset(str(folder))
                for array in ARRAYS:
                    stored = dataset.array(array)
                    for index in range(self.spec.shards):
                        frames = self.spec.shard_frames(index)
                        stored[frames.start : frames.stop]

        return read


def _pipelines() -> dict[str, str]:
    """Find the codec pipelines of zarr that are installed, by name."""
    return {"zarr, default": _DEFAULT} | ({"zarr, zarrs": _ZARRS} if importlib.util.find_spec("zarrs") else {})


def _take_turns(ways: _Ways, repeats: int, parent: Path, source: Path | None = None) -> dict[str, dict[str, float]]:
    """Time each way, in turns; each into an empty folder, or from `source`."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            folder = source or Path(tempfile.mkdtemp(dir=parent))
            started = time.perf_counter()
            way(folder)
            seconds[name].append(time.perf_counter() - started)
            if source is None:
                shutil.rmtree(folder)
    return {name: {"median_s": median(values), "least_s": min(values)} for name, values in seconds.items()}


def _measure(uri: str, shards: int, repeats: int, parent: Path) -> dict[str, Any]:
    """Measure one data set."""
    case = _Case(uri, shards)
    whole = _take_turns({"plain file": case.plain, "data set": case.whole}, repeats, parent)
    arrays = _take_turns(
        {"encoder": case.encoder} | {name: case.zarr(path) for name, path in _pipelines().items()}, repeats, parent
    )
    source = Path(tempfile.mkdtemp(dir=parent))
    case.whole(source)
    stored = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    reading: _Ways = {"reader": case.reader} | {name: case.zarr_reader(path) for name, path in _pipelines().items()}
    read = _take_turns(reading, repeats, parent, source)
    for rows in (whole, arrays, read):
        for row in rows.values():
            row["raw_mb_a_second"] = case.raw / 2**20 / row["median_s"]
    return {
        "frame": list(case.spec.frame_shape),
        "raw_mb": case.raw / 2**20,
        "stored_over_raw": stored / case.raw,
        "of_plain": whole["plain file"]["median_s"] / whole["data set"]["median_s"],
        "whole": whole,
        "arrays": arrays,
        "read": read,
    }


def main() -> None:
    """Measure every data set."""
    arguments = described(__doc__)
    arguments.add_argument("--datasets", "--dataset", nargs="+", metavar="NAME=URI")
    arguments.add_argument("--folder", help="on the disk that is measured")
    arguments.add_argument("--shards", type=int)
    arguments.add_argument("--repeats", type=int)
    chosen = suite_options(arguments, "storage")
    results = {}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as parent:
        for entry in chosen.datasets:
            name, uri = entry.split("=", 1)
            results[name] = _measure(uri, chosen.shards, chosen.repeats, Path(parent))
            print(name, results[name], flush=True)
    save_result("storage", results)
