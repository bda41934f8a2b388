"""What a run made, in one record."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from raysynth.actors.meter import RunRates
from raysynth.actors.pool import Pool
from raysynth.base.reports import Report, value_lines


@dataclass(frozen=True)
class KeptCells:
    """The bank that a run has kept its cells in.

    Attributes
    ----------
    uri
        Its folder or address.
    parts
        Number of its parts.
    cells
        Number of its cells.
    """

    uri: str
    parts: int
    cells: int


@dataclass(frozen=True)
class RunSummary(Report):
    """What a run made, and what failed and why.

    Attributes
    ----------
    dataset
        Folder or address of the data set.
    run
        Name of the run.
    device
        Type of the device that made the cells.
    shards
        Shards of the whole data set.
    made
        Shards that this run has made.
    failed
        Shard → why it could not be made.
    counts
        Totals of the whole data set, by name.
    reuse
        How often each different cell is placed, on average; None where there are none.
    seconds
        Time spent, by stage.
    rates
        How fast the run was.
    pool
        The synthesis actors; None where the cells came from a bank.
    clipped
        Pixels of this run that the stored type cuts off although the type of the real data would hold them.
    dtype
        The type that images are stored in.
    bank
        Where the cells were kept; None: nowhere.
    """

    dataset: str
    run: str
    device: str
    shards: int
    made: int
    failed: Mapping[int, str]
    counts: Mapping[str, int]
    reuse: float | None
    seconds: Mapping[str, float]
    rates: RunRates
    pool: Pool | None = None
    clipped: int = 0
    dtype: str = field(default="uint16", repr=False)
    bank: KeptCells | None = None

    def to_json(self) -> dict[str, Any]:
        """Give all values by name, without the nesting of this record."""
        names = {"dataset": self.dataset, "run": self.run, "device": self.device, "shards": self.shards}
        kept = {} if self.bank is None else {"bank": self._bank_values(self.bank)}
        return names | self.run_values() | kept

    def run_values(self) -> dict[str, Any]:
        """Give what the run's own record keeps: all but where, by whom and the bank."""
        values: dict[str, Any] = {} if self.pool is None else asdict(self.pool)
        # Shards as text: the record is JSON, whose keys are nothing else.
        values |= {"made": self.made, "failed": {str(shard): why for shard, why in self.failed.items()}}
        values |= {"counts": dict(self.counts), "reuse": self.reuse, "seconds": dict(self.seconds)}
        values |= self.rates.values()
        return values | ({"pixels_clipped": self.clipped} if self.clipped else {})

    @staticmethod
    def _bank_values(bank: KeptCells) -> dict[str, Any]:
        return {"place": bank.uri, "parts": bank.parts, "cells": bank.cells}

    def __str__(self) -> str:
        lines = list(value_lines(self.to_json()))
        if self.clipped:
            lines.append(
                f"{self.clipped} pixels were beyond the range of {self.dtype} and were clipped: "
                "leave generate.dtype out to store the type of the real data"
            )
        return "\n".join(lines)
