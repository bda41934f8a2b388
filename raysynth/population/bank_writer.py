"""Making a cell bank."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects, in_parallel
from raysynth.population.bank import BANK_FILE, BANK_PARTS, BankIndex, BankPart
from raysynth.population.cell import Cell
from raysynth.population.packing import pack_cells


@dataclass(frozen=True)
class BankWriter:
    """A bank that is being made: begun and sealed by the driver, its parts written by the actors.

    Attributes
    ----------
    objects
        Where it is written.
    """

    objects: Objects

    def check(self, index: BankIndex) -> bool:
        """Tell whether a bank of the same cells is begun here already.

        Parameters
        ----------
        index
            Index of the bank that is to be made.

        Returns
        -------
        bool
            True for a bank that can be resumed, False where there is nothing.

        Raises
        ------
        InputError
            When anything else is there.
        """
        try:
            existing = BankIndex.model_validate_json(self.objects.get(BANK_FILE))
        except FileNotFoundError:
            # Parts alone are no other files: a crash may lose an index that was not flushed, and `seal` takes named
            # shards only.
            if self.objects.holds_other_than(f"{BANK_PARTS}/"):
                raise InputError(f"--keep-cells {self.objects.uri} holds other files: choose another folder") from None
            return False
        except ValidationError:
            raise InputError(
                f"--keep-cells {self.objects.uri}: {BANK_FILE} is damaged: choose another folder"
            ) from None
        if not existing.same_cells(index):
            raise InputError(f"--keep-cells {self.objects.uri} holds cells of other settings: choose another folder")
        return True

    def begin(self, index: BankIndex) -> None:
        """Create the bank, or resume one of the same cells.

        Parameters
        ----------
        index
            Its index, without parts.

        Raises
        ------
        InputError
            As of `check`.
        """
        if not self.check(index):
            self.objects.put(BANK_FILE, index.to_bytes())

    def write(self, shard: int, cells: Sequence[Cell]) -> None:
        """Keep the cells of one shard; equal cells give equal bytes, so it may be repeated.

        Parameters
        ----------
        shard
            Number of the shard.
        cells
            Its cells.
        """
        packed = io.BytesIO()
        # Not compressed: masks are bits and textures mostly noise. Its zip members have a constant date, so equal cells
        # give equal bytes.
        np.savez(packed, **pack_cells(cells))
        data = packed.getvalue()
        part = BankPart(shard=shard, cells=len(cells), sha256=hashlib.sha256(data).hexdigest())
        # The part, flushed, before its mark: a mark must never outlive a crash that its part does not.
        self.objects.put_all({part.key: data})
        self.objects.put_all({_mark(shard): part.model_dump_json().encode()})

    def kept(self) -> set[int]:
        """List the shards whose cells are in the bank, whole."""
        return {part.shard for part in self._parts()}

    def seal(self, shards: Iterable[int]) -> BankIndex:
        """Put the parts of shards into the index.

        Parameters
        ----------
        shards
            The shards of the finished data set.

        Returns
        -------
        BankIndex
            The index as it is stored.
        """
        wanted = set(shards)
        index = BankIndex.model_validate_json(self.objects.get(BANK_FILE))
        # Keys come sorted and have leading zeros, so parts lie by shard and the index has one form.
        parts = tuple(part for part in self._parts() if part.shard in wanted)
        if parts != index.parts:  # else its bytes, and with them its digest, stay
            index = index.model_copy(update={"parts": parts})
            self.objects.put(BANK_FILE, index.to_bytes())
        return index

    def _parts(self) -> Iterator[BankPart]:
        marks = [key for key in self.objects.keys(BANK_PARTS) if key.endswith(".json")]
        for data in in_parallel(self.objects.get, marks):
            yield BankPart.model_validate(json.loads(data))


def _mark(shard: int) -> str:
    return f"{BANK_PARTS}/{shard:06d}.json"
