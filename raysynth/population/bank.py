"""The cell bank: synthesised cells that are kept, to be composed again at other densities without a model or a GPU.

One packed part for each shard of cells, a mark beside it once it is whole, and `bank.json`, which names the parts and
all that composing must know. A composition shard reads a few whole parts, so a bank may be larger than memory.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError, damaged
from raysynth.base.objects import Objects, in_parallel
from raysynth.base.seeds import Stage, generator
from raysynth.config.aliases import comparable
from raysynth.population.cell import Cell
from raysynth.population.packing import pack, unpack
from raysynth.preparation.statistics import PopulationStatistics

INDEX = "bank.json"
PARTS = "parts"


class Part(BaseModel):
    """One shard's cells: how many, and the SHA-256 of the object that holds them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shard: int
    cells: int
    sha256: str

    @property
    def key(self) -> str:
        """Name of the object."""
        return f"{PARTS}/{self.shard:06d}.npz"


class BankIndex(BaseModel):
    """`bank.json`. All but `parts` is fixed when the bank is begun.

    config, bundle, versions, device, seed: what determines the cells, as in a data set's manifest. statistics: of the
    population they belong to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    config: dict[str, Any]
    bundle: str
    versions: dict[str, str]
    device: str
    seed: int
    statistics: PopulationStatistics
    parts: tuple[Part, ...] = ()

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """sha256 of the index, which holds those of the parts: equal for banks of the same cells."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def cells(self) -> int:
        """Number of cells in the bank."""
        return sum(part.cells for part in self.parts)

    def chosen(self, seed: int, shard: int, count: int) -> list[Part]:
        """The `count` parts that composition shard `shard` reads.

        Shards go through the bank in rounds, each in a random order of its own, so that all parts are used alike.
        """
        positions = range(shard * count, (shard + 1) * count)
        orders: dict[int, list[int]] = {}
        parts = []
        for turn, place in (divmod(position, len(self.parts)) for position in positions):
            if turn not in orders:
                orders[turn] = generator(seed, turn, Stage.BANK, 0).permutation(len(self.parts)).tolist()
            parts.append(self.parts[orders[turn][place]])
        return parts


def _cells_only(index: BankIndex) -> BankIndex:
    """What decides whether two banks hold the same cells; early ones have old names of settings."""
    return index.model_copy(update={"parts": (), "config": comparable(index.config)})


def open_bank(uri: str) -> BankIndex:
    """The index of a finished bank; InputError when there is none, or none that is whole."""
    objects = Objects(uri)
    try:
        index = BankIndex.model_validate_json(objects.get(INDEX))
    except FileNotFoundError:
        raise InputError(f"{uri} is not a cell bank (it has no {INDEX}): make one with --keep-cells") from None
    except ValidationError as error:
        raise damaged(f"{uri}/{INDEX}", error, "make the bank again") from None
    if not index.parts:
        raise InputError(f"{uri} is a cell bank without cells: finish the run that keeps them with --keep-cells")
    return index


def read_cells(objects: Objects, parts: Sequence[Part]) -> list[Cell]:
    """The cells of some parts of the bank in `objects`; InputError for a part that is missing or damaged."""
    return [cell for part in in_parallel(lambda part: _read(objects, part), parts) for cell in part]


def _read(objects: Objects, part: Part) -> list[Cell]:
    try:
        data = objects.get(part.key)
    except FileNotFoundError:
        raise InputError(f"{objects.uri}/{part.key} is missing: make the bank again with --keep-cells") from None
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise InputError(f"{objects.uri}/{part.key} is damaged: make the bank again with --keep-cells")
    with np.load(io.BytesIO(data)) as record:
        return unpack(dict(record))


@dataclass(frozen=True)
class BankWriter:
    """A bank that is being made: begun and sealed by the driver, its parts written by the actors."""

    objects: Objects

    def check(self, index: BankIndex) -> bool:
        """Whether a bank of the same cells is begun here already; InputError when the place holds anything else."""
        try:
            existing = BankIndex.model_validate_json(self.objects.get(INDEX))
        except FileNotFoundError:
            if self.objects.holds_other_than(f"{PARTS}/"):
                raise InputError(f"--keep-cells {self.objects.uri} holds other files: choose another place") from None
            return False
        except ValidationError:
            raise InputError(f"--keep-cells {self.objects.uri}: {INDEX} is damaged: choose another place") from None
        if _cells_only(existing) != _cells_only(index):
            raise InputError(f"--keep-cells {self.objects.uri} holds cells of other settings: choose another place")
        return True

    def begin(self, index: BankIndex) -> None:
        """Create the bank, or go on with one of the same cells; InputError as of `check`."""
        if not self.check(index):
            self.objects.put(INDEX, index.to_bytes())

    def write(self, shard: int, cells: Sequence[Cell]) -> None:
        """Keep the cells of one shard; equal cells give equal bytes, so it may be repeated."""
        packed = io.BytesIO()
        np.savez(packed, **pack(cells))
        data = packed.getvalue()
        part = Part(shard=shard, cells=len(cells), sha256=hashlib.sha256(data).hexdigest())
        self.objects.put_all({part.key: data})
        self.objects.put_all({_mark(shard): part.model_dump_json().encode()})

    def kept(self) -> set[int]:
        """Shards whose cells are in the bank, whole."""
        return {part.shard for part in self._parts()}

    def seal(self, shards: Iterable[int]) -> BankIndex:
        """Put the parts of `shards` into the index; returns it as stored."""
        wanted = set(shards)
        index = BankIndex.model_validate_json(self.objects.get(INDEX))
        index = index.model_copy(update={"parts": tuple(part for part in self._parts() if part.shard in wanted)})
        self.objects.put(INDEX, index.to_bytes())
        return index

    def _parts(self) -> Iterator[Part]:
        marks = [key for key in self.objects.keys(PARTS) if key.endswith(".json")]
        for data in in_parallel(self.objects.get, marks):
            yield Part.model_validate(json.loads(data))


def _mark(shard: int) -> str:
    return f"{PARTS}/{shard:06d}.json"
