"""A data set as a Ray Data dataset: training and evaluation on a cluster read it where the blocks are wanted."""

from pathlib import Path
from typing import Any

import numpy as np
import ray.data
from numpy.typing import NDArray

from raysynth.base.addresses import absolute
from raysynth.store.reader import Dataset

_Batch = dict[str, NDArray[Any]]


def read_ray(uri: str | Path) -> ray.data.Dataset:
    """Read a data set with Ray Data, with one read task for each shard.

    Parameters
    ----------
    uri
        Its folder or address. A folder must be one that every node sees.

    Returns
    -------
    ray.data.Dataset
        One row per frame: `frame`, `image` and `labels`; both `([z,] y, x)`, in the data set's type and uint32. Missing
        frames are left out.

    Raises
    ------
    InputError
        When there is no data set.
    """
    dataset = Dataset(uri)
    per_shard = dataset.spec.frames_per_shard
    shards = sorted({frame // per_shard for frame in dataset.present})
    # Rows that are single numbers would all fit one block, and one task would read the whole data set.
    listed = ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=max(1, len(shards)))
    return listed.map_batches(_ShardReader(absolute(uri)), batch_size=1)


class _ShardReader:
    """The read task: turns a row that names a shard into the rows of its frames."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __call__(self, batch: _Batch) -> _Batch:
        # Opened in the task: an open store does not travel between processes.
        dataset = Dataset(self._uri)
        frames = dataset.spec.shard_frames(int(batch["shard"][0]))
        # A shard is finished or missing as a whole, so all its frames are there.
        images, labels = (dataset.array(name)[frames.start : frames.stop] for name in ("image", "labels"))
        return {"frame": np.array(frames), "image": np.asarray(images), "labels": np.asarray(labels)}
