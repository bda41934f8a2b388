"""Finding where a data set's cells come from, before there is a cluster: whatever is wrong shows before Ray starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from raysynth.actors.pipeline import Synthesiser
from raysynth.actors.pool import plan
from raysynth.actors.sent_bundle import SentBundle, send
from raysynth.actors.sources import BankCells, BundleCells
from raysynth.base.errors import InputError
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.population.bank import open_bank

Factory = Callable[[SentBundle, Config, str], Callable[[], Synthesiser]]
"""From a bundle, all settings and a device to what makes the synthesiser in an actor."""


@dataclass(frozen=True)
class FoundBundle:
    """The bundle that will make the cells, before there is a cluster.

    Attributes
    ----------
    config
        All settings, with what the bundle fixes in them.
    bundle
        The bundle.
    """

    config: Config
    bundle: Bundle

    def on(self, resources: Mapping[str, float], factory: Factory) -> BundleCells:
        """Take the bundle to the cluster that this process is connected to.

        Parameters
        ----------
        resources
            Its logical resources.
        factory
            Makes what the actors run.

        Returns
        -------
        BundleCells
            Its cells, on this cluster.

        Raises
        ------
        InputError
            When the cluster has no room, or a model is missing or damaged.
        """
        # Before `send`: a cluster without room is refused before the bundle fills its store.
        pool = plan(resources, self.config.runtime)
        sent = send(self.bundle)

        def make_factory(config: Config) -> Callable[[], Synthesiser]:
            return factory(sent, config, pool.device)

        statistics, digest = self.bundle.info.statistics, self.bundle.digest
        return BundleCells(self.config, statistics, digest, pool, make_factory(self.config), make_factory)


@dataclass(frozen=True)
class FoundBank:
    """The bank that the cells will come from.

    Attributes
    ----------
    cells
        Its cells.
    """

    cells: BankCells

    def on(self, resources: Mapping[str, float], factory: Factory) -> BankCells:
        """Take the cells to a cluster: any will do.

        Parameters
        ----------
        resources
            The cluster's logical resources.
        factory
            Not needed.

        Returns
        -------
        BankCells
            Its cells.
        """
        return self.cells


def find_source(config: Config, cells: str | None) -> FoundBundle | FoundBank:
    """Find where a data set's cells come from, without Ray.

    Parameters
    ----------
    config
        All settings.
    cells
        Folder or address of a bank; None: the bundle that the settings name, or the one trained with them.

    Returns
    -------
    FoundBundle or FoundBank
        The bundle or the bank.

    Raises
    ------
    InputError
        When it is not there, is not whole or does not fit the settings.
    """
    if cells is None:
        bundle = open_bundle(bundle_name(config))
        return FoundBundle(resolve(config, bundle.info), bundle)
    bank = open_bank(cells)
    dimensions = bank.index.statistics.dimensions
    if dimensions != config.data.dimensions:
        raise InputError(f"--cells {cells} holds {dimensions}D cells but data.dimensions is {config.data.dimensions}")
    return FoundBank(BankCells(config, bank))


def bundle_name(config: Config) -> str:
    """Tell which bundle generates.

    Parameters
    ----------
    config
        All settings.

    Returns
    -------
    str
        The name or folder in `bundle`, else the folder of the one trained with these settings.
    """
    return config.bundle or Places.of(config).bundle
