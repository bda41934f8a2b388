"""The account of one shard while it is made: its seeds, its counts, its seconds."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from raysynth.base.seeds import Stage, generator


@dataclass
class ShardAccount:
    """What one shard keeps account of while it is made.

    Attributes
    ----------
    seed
        Seed of the data set.
    shard
        Number of the shard.
    counts
        How often what happened.
    seconds
        Time spent, by stage.
    """

    seed: int
    shard: int
    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def rng(self, stage: Stage, item: int, attempt: int = 0) -> np.random.Generator:
        """Make the generator of one draw in this shard.

        Parameters
        ----------
        stage
            What is drawn.
        item
            Number of the cell in the shard.
        attempt
            Which draw of that cell.

        Returns
        -------
        numpy.random.Generator
            A fresh generator: equal arguments give equal draws.
        """
        return generator(self.seed, self.shard, stage, item, attempt)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent inside the block to a stage.

        Parameters
        ----------
        stage
            Name of the stage.
        """
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start
