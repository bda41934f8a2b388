"""A data set as a Ray Data dataset: training and evaluation on a cluster read it where the blocks are wanted."""

from typing import Any

import numpy as np
import ray.data
from numpy.typing import NDArray

from raysynth.base.objects import absolute
from raysynth.store.reader import Dataset

Batch = dict[str, NDArray[Any]]


def read_ray(uri: str) -> ray.data.Dataset:
    """The frames of a data set as rows of `frame`, `image` and `labels`, one read task for each shard.

    image, labels: `([z,] y, x)`, in the data set's type and uint32. Missing frames are left out. A folder must be one
    that every node sees. Raises InputError when there is no data set at `uri`.
    """
    dataset = Dataset(uri)
    per_shard = dataset.spec.frames_per_shard
    shards = sorted({frame // per_shard for frame in dataset.present})
    reader = _ShardReader(absolute(uri))
    listed = ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=max(1, len(shards)))
    return listed.map_batches(reader, batch_size=1)


class _ShardReader:
    """The read task: turns a row that names a shard into the rows of its frames."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __call__(self, batch: Batch) -> Batch:
        dataset = Dataset(self._uri)
        frames = dataset.spec.shard_frames(int(batch["shard"][0]))
        images, labels = (dataset.array(name)[frames.start : frames.stop] for name in ("image", "labels"))
        return {"frame": np.array(frames), "image": np.asarray(images), "labels": np.asarray(labels)}
