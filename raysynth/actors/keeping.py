"""Keeping the cells of a run in a bank."""

from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from pathlib import Path

from raysynth.actors.pipeline import Synthesised, Synthesiser
from raysynth.actors.sources import BundleCells
from raysynth.actors.summary import KeptCells
from raysynth.base.addresses import absolute
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.population.bank import BankIndex
from raysynth.population.bank_writer import BankWriter
from raysynth.store.manifest import Manifest


@dataclass(frozen=True)
class KeepingFactory:
    """A factory of synthesisers whose cells are also kept in a bank.

    Attributes
    ----------
    factory
        Makes the synthesiser.
    writer
        Writes the bank's parts.
    """

    factory: Callable[[], Synthesiser]
    writer: BankWriter

    def __call__(self) -> Synthesiser:
        """Make the synthesiser that keeps what it makes."""
        synthesise = self.factory()

        def keep(shard: int) -> Synthesised:
            made = synthesise(shard)
            # Before the cells are composed, so every shard that is done has its cells in the bank.
            self.writer.write(shard, made.cells)
            return made

        return keep


@dataclass(frozen=True)
class BankKeeper:
    """The bank that a run keeps its cells in.

    Attributes
    ----------
    source
        The cells, which are kept as they are made.
    writer
        Writes the bank.
    index
        Its index, without parts.
    """

    source: BundleCells
    writer: BankWriter
    index: BankIndex

    def begin(self) -> None:
        """Create the bank, or resume it."""
        self.writer.begin(self.index)

    def seal(self, done: Set[int]) -> KeptCells:
        """Finish the bank with the cells of a data set's shards.

        Parameters
        ----------
        done
            The shards that are done.

        Returns
        -------
        KeptCells
            What the bank holds.
        """
        index = self.writer.seal(done)
        return KeptCells(self.writer.objects.uri, len(index.parts), index.cells)


def keeper_of(uri: str | Path, source: BundleCells, manifest: Manifest, done: Set[int]) -> BankKeeper:
    """Make ready to keep cells in a bank, which is not begun yet.

    Parameters
    ----------
    uri
        Folder or address of the bank.
    source
        The cells.
    manifest
        Of the data set that they are made for.
    done
        Its shards that are done.

    Returns
    -------
    BankKeeper
        The bank.

    Raises
    ------
    InputError
        When something else is there, and when the bank lacks the cells of shards that are done.
    """
    writer = BankWriter(Objects(absolute(uri), create=True))
    fixed = manifest.model_dump(include={"config", "bundle", "versions", "device", "seed"})
    index = BankIndex(**fixed, statistics=source.statistics)
    writer.check(index)
    # A shard that is done is not synthesised again, so the bank could never become whole.
    if lost := sorted(done - writer.kept()):
        raise InputError(
            f"--keep-cells {uri}: shard {lost[0]} was made before without keeping its cells: choose another --out"
        )
    return BankKeeper(replace(source, factory=KeepingFactory(source.factory, writer)), writer, index)
