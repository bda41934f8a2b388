"""Every random draw of the project comes from here.

A draw depends on `(dataset_seed, shard, stage, item, attempt)` alone. So a shard gives the same bytes on any actor, in
any order and after any number of retries.
"""

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator, SeedSequence

if TYPE_CHECKING:
    import torch


class Stage(IntEnum):
    """What a stream of random numbers is for. The numbers are part of the data format: append, never renumber."""

    MASK = 0
    HEIGHT = 1
    VIEWS = 2
    SURFACE = 3
    TEXTURE = 4
    DENSITY = 5
    PLACEMENT = 6
    IMAGING = 7
    VARIATION = 8
    TRAINING = 9
    EVALUATION = 10
    CELL = 11
    BANK = 12


def seed_key(shard: int, stage: Stage, item: int, attempt: int = 0) -> tuple[int, int, int, int]:
    """Make the spawn key of one draw, as it is kept with each cell.

    Parameters
    ----------
    shard
        Number of the shard.
    stage
        What the draw is for.
    item
        Number of the cell or frame within the shard.
    attempt
        Number of the try at this item, from 0.
    """
    return (shard, int(stage), item, attempt)


def generator(dataset_seed: int, shard: int, stage: Stage, item: int, attempt: int = 0) -> Generator:
    """Make the random generator of one draw.

    Parameters
    ----------
    dataset_seed
        Random seed of the data set.
    shard
        Number of the shard.
    stage
        What the draw is for.
    item
        Number of the cell or frame within the shard.
    attempt
        Number of the try at this item, from 0.
    """
    # A spawn key keeps the numbers apart: with `seed + item`, item 1 of seed 0 would be item 0 of seed 1. A later numpy
    # may draw otherwise, so its version stands in every manifest.
    return np.random.default_rng(SeedSequence(dataset_seed, spawn_key=seed_key(shard, stage, item, attempt)))


def normal(rng: Generator, *shape: int) -> "torch.Tensor":
    """Draw standard normal noise on the CPU, whatever the device that uses it.

    Parameters
    ----------
    rng
        The generator of the draw.
    *shape
        Shape of the noise.

    Returns
    -------
    torch.Tensor
        float32, on the CPU.
    """
    import torch  # composing draws too, and runs in processes that shall start without it

    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
