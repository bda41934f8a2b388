"""Gains over real data, pooled over the tables of one data set: both directions of sequences, say.

    python bench/pooled.py gowt1 FOLDER FOLDER...

Each folder is `--out` of `raysynth evaluate table`, run to its end on the test split with the same seeds. All test
frames count as one test set; a bootstrap resample takes its seeds for all tables together. Writes
`bench/results/pooled-NAME.json`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from environment import save_result

from raysynth.evaluate.gains import Scores, difference

ARMS = ("real", "synthetic.main", "both.main")
"""Rows by the names of their files, the reference first."""


def read(folder: Path, arm: str) -> Scores:
    """The test scores of one row of a table, seeds in their order."""
    files = sorted((folder / "test").glob(f"{arm}.seed*.json"))
    if not files:
        raise SystemExit(f"{folder} has no test scores of {arm}: run its table to the end")
    return Scores.of([json.loads(file.read_text()) for file in files])


def pool(tables: Sequence[Scores]) -> Scores:
    """The frames of all tables, one after another."""
    groups = tuple(f"{number}/{group}" for number, table in enumerate(tables) for group in table.groups)
    sums = np.concatenate([table.sums for table in tables], axis=1)
    return Scores(sums, np.concatenate([table.cells for table in tables]), groups)


def main() -> None:
    """Pool, compare, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    pooled = {arm: pool([read(folder, arm) for folder in args.folders]) for arm in ARMS}
    real = pooled[ARMS[0]]
    figures = {
        "cells": int(real.cells.sum()),
        "frames": len(real.cells),
        "seg": {arm: scores.seg().tolist() for arm, scores in pooled.items()},
        "gains": {f"{arm} - real": asdict(difference(pooled[arm], real)) for arm in ARMS[1:]},
    }
    print(json.dumps(figures, indent=1))
    save_result(f"pooled-{args.name}", figures)


if __name__ == "__main__":
    main()
