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
"""Rows by the names of their files, the reference first; those that some table lacks are left out."""


def read(folder: Path, arm: str) -> Scores:
    """The test scores of one row of a table, seeds in their order."""
    return Scores.of([json.loads(file.read_text()) for file in files(folder, arm)])


def files(folder: Path, arm: str) -> list[Path]:
    """The files of those scores."""
    return sorted((folder / "test").glob(f"{arm}.seed*.json"))


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
    found = [arm for arm in ARMS if all(files(folder, arm) for folder in args.folders)]
    if found[:1] != [ARMS[0]] or len(found) < 2:
        raise SystemExit("the tables have no test scores of real and another arm in common: run them to the end")
    pooled = {arm: pool([read(folder, arm) for folder in args.folders]) for arm in found}
    real = pooled[ARMS[0]]
    figures = {
        "cells": int(real.cells.sum()),
        "frames": len(real.cells),
        "seg": {arm: scores.seg().tolist() for arm, scores in pooled.items()},
        "gains": {f"{arm} - real": asdict(difference(pooled[arm], real)) for arm in found[1:]},
    }
    print(json.dumps(figures, indent=1))
    save_result(f"pooled-{args.name}", figures)


if __name__ == "__main__":
    main()
