"""What the actors and the composer tasks do to one shard. Sent to them whole, so it imports little at the top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysynth.actors.pipeline import Composer, Synthesiser
from raysynth.base.lease import require_lease
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.population.bank import BankIndex, read_cells
from raysynth.population.cell import Cell
from raysynth.population.compose import compose_shard
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard

if TYPE_CHECKING:
    from raysynth.actors.sent_bundle import SentBundle


@dataclass(frozen=True)
class CascadeFactory:
    """Reads the cascade's models from a bundle inside the actor that will run them on `device`."""

    bundle: "SentBundle"
    config: Config
    device: str

    def __post_init__(self) -> None:
        """A damaged bundle is found here, in the driver, before any data set is begun."""
        from raysynth.cascade.bundle import open_bundle

        open_bundle(str(self.bundle.folder())).check(self.config)

    def __call__(self) -> Synthesiser:
        """The cascade with its data set's seed, on a fixed number of threads and by deterministic algorithms."""
        # The composer tasks share this module and need none of the models' libraries.
        import torch

        from raysynth.cascade.cascade import Cascade

        torch.set_num_threads(self.config.runtime.threads)
        torch.use_deterministic_algorithms(True)
        cascade = Cascade(str(self.bundle.folder()), self.config, self.device)
        return lambda shard: cascade.synthesise(shard, self.config.generate.seed)


@dataclass(frozen=True)
class ShardComposer:
    """Composes the frames of a shard and writes them to `target`, as long as `run` holds its lease."""

    target: Objects
    run: str
    config: Config
    statistics: PopulationStatistics
    spec: DatasetSpec

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> dict[str, int]:
        """Write `shard`. Returns `frames`, `cells`, the synthesiser's `counts` and the uses of the cells."""
        frames = self.spec.shard_frames(shard)
        composed = compose_shard(cells, self.statistics, self.config, self.config.generate.seed, shard, frames)
        total = {"frames": len(frames), "cells": len(cells), **counts}
        total |= {f"uses_{name}": int(count) for name, count in composed.counts.items() if name != "reuse"}
        require_lease(self.target, self.run)
        write_shard(self.target.uri, self.spec, shard, composed.images, composed.labels, composed.rows, total)
        return total


@dataclass(frozen=True)
class BankComposer:
    """Reads a shard's parts of the bank in `place`, then composes."""

    place: str
    bank: BankIndex
    seed: int
    parts: int
    composer: Composer

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Write `shard`; no cells come with it."""
        parts = self.bank.chosen(self.seed, shard, self.parts)
        return self.composer(shard, read_cells(Objects(self.place), parts), counts)
