"""The account that one shard keeps while it is made: its seeds, its counts, its seconds."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from raysynth.base.seeds import Stage, generator


@dataclass
class Run:
    """What one shard keeps account of while it is made."""

    seed: int
    shard: int
    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def rng(self, stage: Stage, item: int, attempt: int = 0) -> np.random.Generator:
        """The generator of one draw in this shard."""
        return generator(self.seed, self.shard, stage, item, attempt)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent inside to a stage."""
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start
