"""The cell bank: synthesised cells that are kept, to be composed again at other densities without a model or a GPU.

One packed part for each shard of cells, a mark beside it once it is whole, and `bank.json`, which names the parts and
all that composing must know. A composition shard reads a few whole parts, so a bank may be larger than memory.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from raysynth.base.addresses import absolute
from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError, damaged
from raysynth.base.objects import Objects, in_parallel
from raysynth.base.seeds import Stage, generator
from raysynth.config.aliases import comparable
from raysynth.population.cell import Cell
from raysynth.population.packing import unpack_cells
from raysynth.preparation.statistics import PopulationStatistics

BANK_FILE = "bank.json"
"""Name of the index."""

BANK_PARTS = "parts"
"""Folder of the parts in a bank."""


class BankPart(BaseModel):
    """One shard's cells.

    Attributes
    ----------
    shard
        Number of the shard.
    cells
        How many cells it has.
    sha256
        Of the object that holds them, hexadecimal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shard: int
    cells: int
    sha256: str

    @property
    def key(self) -> str:
        """Name of the object."""
        return f"{BANK_PARTS}/{self.shard:06d}.npz"


class BankIndex(BaseModel):
    """`bank.json`. All but `parts` is fixed when the bank is begun.

    Attributes
    ----------
    format
        Version of the index's layout.
    config, bundle, versions, device, seed
        What determines the cells, as in a data set's manifest.
    statistics
        The population that they belong to.
    parts
        The parts, by shard.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    config: dict[str, Any]
    bundle: str
    versions: dict[str, str]
    device: str
    seed: int
    statistics: PopulationStatistics
    parts: tuple[BankPart, ...] = ()

    def to_bytes(self) -> bytes:
        """Write canonical JSON."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def cells(self) -> int:
        """Number of cells in the bank."""
        return sum(part.cells for part in self.parts)

    def chosen(self, seed: int, shard: int, count: int) -> list[BankPart]:
        """Choose the parts that one shard of a data set is composed from.

        Shards go through the bank in rounds, each in a random order of its own, so that all parts are used alike.

        Parameters
        ----------
        seed
            Seed of the data set.
        shard
            Number of its shard.
        count
            Parts per shard.

        Returns
        -------
        list of BankPart
            The parts, in the order in which their cells are numbered.
        """
        # Places in an endless row of rounds: the parts of a shard follow from its number, whatever other shards take.
        positions = range(shard * count, (shard + 1) * count)
        orders: dict[int, list[int]] = {}
        parts = []
        for turn, place in (divmod(position, len(self.parts)) for position in positions):
            if turn not in orders:
                orders[turn] = generator(seed, turn, Stage.BANK, 0).permutation(len(self.parts)).tolist()
            parts.append(self.parts[orders[turn][place]])
        return parts

    def same_cells(self, other: "BankIndex") -> bool:
        """Tell whether two banks hold cells of the same settings.

        Parameters
        ----------
        other
            The index of another bank. Old names of settings count as their present ones.

        Returns
        -------
        bool
            Whether all but the parts is the same.
        """
        # Parts differ between a bank that is begun and one that is sealed, and say nothing of how cells are made.
        mine, theirs = (one.model_copy(update={"parts": (), "config": comparable(one.config)}) for one in (self, other))
        return mine == theirs


@dataclass(frozen=True)
class Bank:
    """A finished bank, opened for reading.

    Attributes
    ----------
    uri
        Its absolute folder or address.
    index
        What it holds.
    digest
        SHA-256 of the index as it is stored, hexadecimal; the index holds those of the parts, so banks of the same
        cells have the same one.
    """

    uri: str
    index: BankIndex
    digest: str

    def read(self, parts: Sequence[BankPart]) -> list[Cell]:
        """Read the cells of some parts.

        Parameters
        ----------
        parts
            Parts of the index.

        Returns
        -------
        list of Cell
            Their cells, part after part.

        Raises
        ------
        InputError
            For a part that is missing or damaged.
        """
        objects = Objects(self.uri)
        return [cell for cells in in_parallel(lambda part: _read(objects, part), parts) for cell in cells]


def open_bank(uri: str) -> Bank:
    """Open a finished bank.

    Parameters
    ----------
    uri
        Its folder or address.

    Returns
    -------
    Bank
        The opened bank.

    Raises
    ------
    InputError
        When there is none, or none that is whole.
    """
    objects = Objects(absolute(uri))
    try:
        data = objects.get(BANK_FILE)
        index = BankIndex.model_validate_json(data)
    except FileNotFoundError:
        raise InputError(f"{uri} is not a cell bank (it has no {BANK_FILE}): make one with --keep-cells") from None
    except ValidationError as error:
        raise damaged(f"{uri}/{BANK_FILE}", error, "make the bank again") from None
    if not index.parts:
        raise InputError(f"{uri} is a cell bank without cells: finish the run that keeps them with --keep-cells")
    # Of the bytes as stored: written anew, a field that a later version adds would change the digest.
    return Bank(objects.uri, index, hashlib.sha256(data).hexdigest())


def _read(objects: Objects, part: BankPart) -> list[Cell]:
    try:
        data = objects.get(part.key)
    except FileNotFoundError:
        raise InputError(f"{objects.uri}/{part.key} is missing: make the bank again with --keep-cells") from None
    # Before numpy reads it: a damaged archive raises a different error for each place of the damage.
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise InputError(f"{objects.uri}/{part.key} is damaged: make the bank again with --keep-cells")
    with np.load(io.BytesIO(data)) as record:
        return unpack_cells(dict(record))
