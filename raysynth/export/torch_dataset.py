"""A data set for torch: frames by position, for any number of `DataLoader` workers, in an order that suits shards."""

import os
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from raysynth.base.errors import InputError
from raysynth.store.reader import Dataset

Transform = Callable[[Tensor, Tensor], object]
"""Makes an item from image and labels."""


def read_torch(dataset: Dataset | str | Path, transform: Transform | None = None, level: int = 0) -> "TorchDataset":
    """Open the frames of a data set for torch.

    Parameters
    ----------
    dataset
        The data set, or its address.
    transform
        Called with image and labels of an item; what it returns is the item. None: the pair.
    level
        Level of the pyramid; 0: full frames.

    Raises
    ------
    InputError
        When there is no such data set or level.
    """
    return TorchDataset(dataset.uri if isinstance(dataset, Dataset) else str(dataset), transform, level)


class TorchDataset(torch.utils.data.Dataset[Any]):
    """The frames that are present, as pairs of tensors.

    An item is `(image, labels)`, both `([z,] y, x)`: float32 in the data set's own grey values, and int64 with 0 for
    background; or what `transform` makes of them. One frame's chunks are read for one item, never a whole shard.
    Pickled, it holds an address: each worker opens the store when it reads its first frame.

    Parameters
    ----------
    uri
        Address of the data set.
    transform
        Called with image and labels of an item; None: the pair is the item.
    level
        Level of the pyramid; 0: full frames.

    Attributes
    ----------
    frames
        Number of the frame at each position.
    frames_per_shard
        Frames in one shard of the data set.

    Raises
    ------
    InputError
        When there is no such data set or level.
    """

    def __init__(self, uri: str, transform: Transform | None = None, level: int = 0) -> None:
        self.uri, self.transform, self.level = uri, transform, level
        self._opened: Dataset | None = None
        self._process = os.getpid()
        dataset = self.dataset
        dataset.array("image", level)  # a level that is not there is named here, not in a worker
        self.frames: list[int] = dataset.present
        self.frames_per_shard = dataset.spec.frames_per_shard

    @property
    def dataset(self) -> Dataset:
        """The data set, opened when first used. Raises InputError in a forked process where it lies in a bucket."""
        if self._opened is None:
            self._opened, self._process = Dataset(self.uri), os.getpid()
        elif self._opened.objects.folder is None and self._process != os.getpid():
            # The connections' threads stayed behind in the parent: a read would wait for ever.
            context = 'multiprocessing_context="spawn"'
            raise InputError(f"{self.uri} cannot be read in a forked process: give the DataLoader {context}")
        return self._opened

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the open store, whose connections belong to one process."""
        return self.__dict__ | {"_opened": None}

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, position: int) -> Any:
        frame = self.frames[position]
        # torch knows few operations on uint16 and uint32, and indexes and scores by int64.
        image = torch.from_numpy(self.dataset.image(frame, self.level).astype(np.float32))
        labels = torch.from_numpy(self.dataset.labels(frame, self.level).astype(np.int64))
        return (image, labels) if self.transform is None else self.transform(image, labels)


class ShardSampler(Sampler[int]):
    """Positions of a `TorchDataset`, shard after shard: the shards in random order, and the frames within each.

    An epoch reads every shard's index once. The order follows from the seed and the epoch: call `set_epoch` before it.

    Parameters
    ----------
    dataset
        What is sampled.
    seed
        Random seed of all orders.
    """

    def __init__(self, dataset: TorchDataset, seed: int = 0) -> None:
        numbered = enumerate(dataset.frames)
        # Frames are in ascending order, so `groupby` meets each shard once.
        shards = groupby(numbered, key=lambda item: item[1] // dataset.frames_per_shard)
        self._shards = [[position for position, _ in items] for _, items in shards]
        self._size, self._seed, self._epoch = len(dataset), seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch.

        Parameters
        ----------
        epoch
            Number of the epoch.
        """
        self._epoch = epoch

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        # From both numbers, not drawn on: an epoch has the same order whether or not others ran before it.
        rng = np.random.default_rng([self._seed, self._epoch])
        for shard in rng.permutation(len(self._shards)):
            yield from rng.permutation(self._shards[shard]).tolist()
