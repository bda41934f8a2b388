"""What the actors and the composer tasks do to one shard. Sent to them whole, so it imports little at the top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysynth.actors.pipeline import Composer, Synthesiser
from raysynth.base.lease import require_lease
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.population.bank import Bank
from raysynth.population.cell import Cell
from raysynth.population.compose import compose_shard
from raysynth.population.settings import CompositionSettings
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard

if TYPE_CHECKING:
    from raysynth.actors.sent_bundle import SentBundle
    from raysynth.cascade.settings import CascadeSettings


@dataclass(frozen=True)
class CascadeFactory:
    """Reads the cascade's models from a bundle inside the actor that will run them.

    Attributes
    ----------
    bundle
        The bundle, which travels to the actor's node.
    settings
        The cascade's settings.
    seed
        Seed of the data set.
    threads
        CPU threads of torch.
    device
        `cpu` or `cuda`.
    """

    bundle: "SentBundle"
    settings: "CascadeSettings"
    seed: int
    threads: int
    device: str

    def __call__(self) -> Synthesiser:
        """Open the cascade with its data set's seed, on a fixed number of threads and by deterministic algorithms."""
        # The composer tasks share this module and need none of the models' libraries.
        import torch

        from raysynth.cascade.bundle import open_bundle
        from raysynth.cascade.cascade import Cascade

        torch.set_num_threads(self.threads)
        # Atomic sums on a GPU add up in any order, and the last bits of cells would change from run to run.
        torch.use_deterministic_algorithms(True)
        cascade = Cascade(open_bundle(self.bundle.folder()), self.settings, self.device)
        return lambda shard: cascade.synthesise(shard, self.seed)


def cascade_factory(bundle: "SentBundle", config: Config, device: str) -> CascadeFactory:
    """Make the factory of the cascade.

    Parameters
    ----------
    bundle
        The bundle that generates.
    config
        All settings, with what the bundle fixes in them.
    device
        `cpu` or `cuda`.

    Returns
    -------
    CascadeFactory
        The factory.

    Raises
    ------
    InputError
        When a model of the bundle is missing or damaged: here, in the driver, before any data set is begun.
    """
    from raysynth.cascade.bundle import open_bundle
    from raysynth.cascade.settings import CascadeSettings

    open_bundle(bundle.folder()).check(config)
    return CascadeFactory(bundle, CascadeSettings.of(config), config.generate.seed, config.runtime.threads, device)


@dataclass(frozen=True)
class ShardComposer:
    """Composes the frames of a shard and writes them, as long as its run holds the data set's lease.

    Attributes
    ----------
    target
        The data set.
    run
        Name of the run.
    settings
        The settings of composition.
    statistics
        The real population.
    seed
        Seed of the data set.
    spec
        Shape of the data set.
    """

    target: Objects
    run: str
    settings: CompositionSettings
    statistics: PopulationStatistics
    seed: int
    spec: DatasetSpec

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> dict[str, int]:
        """Compose and write one shard.

        Parameters
        ----------
        shard
            Number of the shard.
        cells
            Its cells.
        counts
            The synthesiser's counts.

        Returns
        -------
        dict
            `frames`, `cells`, the synthesiser's counts and the uses of the cells; also `pixels_clipped` where the
            stored type has cut off any.
        """
        frames = self.spec.shard_frames(shard)
        composed = compose_shard(cells, self.statistics, self.settings, self.seed, shard, frames)
        total = {"frames": len(frames), "cells": len(cells), **counts}
        total |= {f"uses_{name}": count for name, count in composed.counts.items()}
        # As late as possible: the lease may have changed hands while this was composing.
        require_lease(self.target, self.run)
        write_shard(self.target, self.spec, shard, composed.images, composed.labels, composed.rows, total)
        # For the user alone: in the done mark it would be a part of the data set.
        return total | ({"pixels_clipped": composed.clipped} if composed.clipped else {})


@dataclass(frozen=True)
class BankComposer:
    """Reads a shard's parts of a bank, then composes.

    Attributes
    ----------
    bank
        The bank.
    seed
        Seed of the data set.
    parts
        Parts per shard.
    composer
        Composes and writes.
    """

    bank: Bank
    seed: int
    parts: int
    composer: Composer

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Compose and write one shard.

        Parameters
        ----------
        shard
            Number of the shard.
        cells
            Ignored: no cells come with the shard.
        counts
            Counts so far.

        Returns
        -------
        Mapping
            As the composer gives.
        """
        return self.composer(shard, self.bank.read(self.bank.index.chosen(self.seed, shard, self.parts)), counts)
