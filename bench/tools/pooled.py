"""Pool the gains over real data of several tables of one data set, of both directions of its sequences, say.

    python -m bench pooled gowt1 FOLDER FOLDER...

Each folder is `--out` of `raysynth evaluate table`, run to its end on the test split. The seeds and rows that all of
them have are taken. All test frames count as one test set; a bootstrap resample takes its seeds for all tables
together. Writes `bench/results/pooled-NAME.json`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench.common.environment import save_result
from bench.common.suite import described
from raysynth.experiment.gains import Scores, difference

_ARMS = ("real", "synthetic.main", "both.main")
"""Rows by the names of their files, the reference first."""


def _common(folders: Sequence[Path], arm: str) -> list[str]:
    """List the files with the test scores of one row, for the seeds that all tables have."""
    return sorted(set.intersection(*({file.name for file in (f / "test").glob(f"{arm}.seed*.json")} for f in folders)))


def _read(folder: Path, names: Sequence[str]) -> Scores:
    """Read those test scores of one table."""
    return Scores.of([json.loads((folder / "test" / name).read_text()) for name in names])


def _pool(tables: Sequence[Scores]) -> Scores:
    """Join the frames of all tables, one after another."""
    groups = tuple(f"{number}/{group}" for number, table in enumerate(tables) for group in table.groups)
    sums = np.concatenate([table.sums for table in tables], axis=1)
    return Scores(sums, np.concatenate([table.cells for table in tables]), groups)


def main() -> None:
    """Pool, compare, keep."""
    parser = described(__doc__)
    parser.add_argument("name")
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    seeds = {arm: names for arm in _ARMS if (names := _common(args.folders, arm))}
    if _ARMS[0] not in seeds or len(seeds) < 2:
        raise SystemExit("the tables have no test scores of real and another arm in common: run them to the end")
    pooled = {arm: _pool([_read(folder, names) for folder in args.folders]) for arm, names in seeds.items()}
    real = pooled[_ARMS[0]]
    results = {
        "cells": int(real.cells.sum()),
        "frames": len(real.cells),
        "seg": {arm: scores.seg().tolist() for arm, scores in pooled.items()},
        "gains": {f"{arm} - real": asdict(difference(pooled[arm], real)) for arm in list(pooled)[1:]},
    }
    print(json.dumps(results, indent=1))
    save_result(f"pooled-{args.name}", results)
