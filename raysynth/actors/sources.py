"""Where the cells of a data set come from: the cascade of a bundle, or a bank of cells that were kept.

Both are found and judged without Ray (`finding`), then taken to a cluster.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from raysynth.actors import pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.pipeline import Composer, Synthesis, Synthesiser
from raysynth.actors.pool import Pool
from raysynth.actors.shard_outcome import ShardOutcome
from raysynth.actors.work import BankComposer
from raysynth.config import Config
from raysynth.population.bank import Bank
from raysynth.preparation.statistics import PopulationStatistics


@dataclass(frozen=True)
class BundleCells:
    """Cells of a bundle's cascade, on a cluster.

    Attributes
    ----------
    config
        All settings, with what the bundle fixes in them.
    statistics
        The real population.
    digest
        Names the cells in the manifest.
    pool
        The actors that make them.
    factory
        Makes the synthesiser in each actor.
    make_factory
        Makes such a factory for other settings.
    """

    config: Config
    statistics: PopulationStatistics
    digest: str
    pool: Pool
    factory: Callable[[], Synthesiser]
    make_factory: Callable[[Config], Callable[[], Synthesiser]]

    @property
    def device(self) -> str:
        """Type of the device that makes the cells, `cpu` or `cuda`."""
        return self.pool.device

    @property
    def actors(self) -> int:
        """Number of actors of the first stage."""
        return self.pool.actors

    @property
    def workers(self) -> str:
        """Who makes the cells, for the progress."""
        more = f", up to {self.pool.largest}" if self.pool.largest > self.pool.actors else ""
        return f"{self.pool.actors} {'actor' if self.pool.actors == 1 else 'actors'} on {self.device}{more}"

    def run(self, shards: Sequence[int], composer: Composer, attempts: Attempts) -> Generator[ShardOutcome, None, None]:
        """Make, compose and write shards.

        Parameters
        ----------
        shards
            Their numbers.
        composer
            Composes and writes each.
        attempts
            Counts the tries.

        Yields
        ------
        ShardOutcome
            What became of each shard, as it ends.
        """
        synthesis = Synthesis(self.factory, self.pool)
        return pipeline.run(shards, composer, attempts, self.config.runtime.threads, synthesis)

    def distinct_cells(self, shards: int, made: int) -> int:
        """Count the different cells that a data set uses: each shard has its own.

        Parameters
        ----------
        shards
            Its shards.
        made
            Cells that were made for them.

        Returns
        -------
        int
            The number made.
        """
        return made


@dataclass(frozen=True)
class BankCells:
    """Cells of a bank: no model is needed.

    Attributes
    ----------
    config
        All settings.
    bank
        The bank.
    """

    config: Config
    bank: Bank

    @property
    def statistics(self) -> PopulationStatistics:
        """The real population."""
        return self.bank.index.statistics

    @property
    def digest(self) -> str:
        """What names the cells in the manifest."""
        return self.bank.digest

    @property
    def device(self) -> str:
        """Type of the device that composes."""
        return "cpu"

    @property
    def actors(self) -> int:
        """Number of actors of the first stage: there is none."""
        return 0

    @property
    def workers(self) -> str:
        """Who makes the cells, for the progress."""
        return "cells from a bank"

    def run(self, shards: Sequence[int], composer: Composer, attempts: Attempts) -> Generator[ShardOutcome, None, None]:
        """Read, compose and write shards.

        Parameters
        ----------
        shards
            Their numbers.
        composer
            Composes and writes each.
        attempts
            Counts the tries.

        Yields
        ------
        ShardOutcome
            What became of each shard, as it ends.
        """
        generate = self.config.generate
        reader = BankComposer(self.bank, generate.seed, generate.parts_per_shard, composer)
        return pipeline.run(shards, reader, attempts, self.config.runtime.threads)

    def distinct_cells(self, shards: int, made: int) -> int:
        """Count the different cells that a data set uses.

        Parameters
        ----------
        shards
            Its shards.
        made
            Cells that were read for them, with repetitions.

        Returns
        -------
        int
            Cells of all parts that any of the shards reads.
        """
        index, generate = self.bank.index, self.config.generate
        # A set: later rounds through the bank read the same parts again.
        read = {
            part for shard in range(shards) for part in index.chosen(generate.seed, shard, generate.parts_per_shard)
        }
        return sum(part.cells for part in read)


CellSource = BundleCells | BankCells
"""Cells on a cluster."""
