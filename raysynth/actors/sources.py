"""Where the cells of a data set come from: the cascade of a bundle, or a bank of cells that were kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from raysynth.actors.pipeline import Composer, Synthesised, Synthesiser
from raysynth.actors.pool import Pool, plan
from raysynth.actors.sent_bundle import SentBundle, send
from raysynth.actors.work import BankComposer
from raysynth.base.errors import InputError
from raysynth.base.objects import absolute
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.population.bank import BankIndex, BankWriter, open_bank
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.train.run import bundle_folder

Factory = Callable[[SentBundle, Config, str], Callable[[], Synthesiser]]


@dataclass(frozen=True)
class Source:
    """A place that cells come from.

    config: the settings with all that the source fixes put in. digest: names the cells in the manifest. device: torch's
    type of device that made, or makes, them. pool, factory: of the actors that make them; None where none are needed.
    """

    config: Config
    statistics: PopulationStatistics
    digest: str
    device: str
    pool: Pool | None = None
    factory: Callable[[], Synthesiser] | None = None
    bank: BankIndex | None = None
    place: str = ""

    def composer(self, composer: Composer) -> Composer:
        """What the composer tasks run: `composer` itself, or one that reads the bank first."""
        if self.bank is None:
            return composer
        generate = self.config.generate
        return BankComposer(self.place, self.bank, generate.seed, generate.parts_per_shard, composer)

    def distinct_cells(self, shards: int) -> int | None:
        """Different cells that the given number of shards use; None where each shard has its own."""
        if self.bank is None:
            return None
        seed, count = self.config.generate.seed, self.config.generate.parts_per_shard
        return sum(part.cells for part in {p for s in range(shards) for p in self.bank.chosen(seed, s, count)})


def from_bundle(config: Config, resources: Mapping[str, float], factory: Factory) -> Source:
    """The cascade of the bundle that `config` names, on a cluster's `resources`."""
    bundle = open_bundle(config.bundle or str(bundle_folder(config)))
    config = bundle.resolve(config)
    pool = plan(resources, config.runtime)
    made = factory(send(bundle), config, pool.device)
    return Source(config, bundle.info.statistics, bundle.digest, pool.device, pool, made)


def from_bank(config: Config, uri: str) -> Source:
    """The finished bank at `uri`; InputError when it is none, or of the other number of dimensions."""
    bank = open_bank(uri)
    if bank.statistics.dimensions != config.data.dimensions:
        raise InputError(
            f"--cells {uri} holds {bank.statistics.dimensions}D cells but data.dimensions is {config.data.dimensions}"
        )
    place = absolute(uri)
    return Source(config, bank.statistics, bank.digest, "cpu", bank=bank, place=place)


@dataclass(frozen=True)
class KeepingFactory:
    """A factory of synthesisers whose cells are also kept in a bank."""

    factory: Callable[[], Synthesiser]
    writer: BankWriter

    def __call__(self) -> Synthesiser:
        """The synthesiser that keeps what it makes."""
        synthesise = self.factory()

        def keep(shard: int) -> Synthesised:
            made = synthesise(shard)
            self.writer.write(shard, made.cells)
            return made

        return keep
