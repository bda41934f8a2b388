"""What `prepare` wrote, as training reads it.

The folder holds `statistics.json`, `report.json`, and two folders `train` and `validation`. In each of these:

- `images.npy` (n, side, side) float16 in [0, 1], `masks.npy` (n, side, side) bool, and `cells.parquet` with one row per
  crop;
- `outlines.npy` (m, side, side) bool and `outlines.parquet` with one row per cell.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raysynth.base.arrays import Floats, Mask
from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.preparation.cell_table import CellTable
from raysynth.preparation.statistics import PopulationStatistics

_FILES = ("images.npy", "masks.npy", "outlines.npy", "cells.parquet", "outlines.parquet")
"""The files of a split."""


@dataclass(frozen=True)
class Crops:
    """One split: texture crops, and the outlines that the mask model learns.

    Attributes
    ----------
    images
        Crops of single slices of cells `(n, side, side)`, float16 in [0, 1].
    masks
        The cell in each of them `(n, side, side)`.
    heights
        Height of each image's slice within its cell `(n,)`: 0 at the lowest, 1 at the highest.
    brightness
        Brightness of each image's whole cell `(n,)`, as a normal score.
    outlines
        One outline per cell `(m, side, side)`.
    areas, solidities
        Area and solidity of each outline `(m,)`, as normal scores.
    """

    images: NDArray[np.float16]
    masks: Mask
    heights: Floats
    brightness: Floats
    outlines: Mask
    areas: Floats
    solidities: Floats

    @property
    def side_px(self) -> int:
        """Side of every crop in pixels."""
        return int(self.outlines.shape[-1])


@dataclass(frozen=True)
class Prepared:
    """What a prepared folder holds: read once per command and handed down.

    Attributes
    ----------
    train, validation
        The crops of the two splits.
    statistics
        What `prepare` measured of the population.
    """

    train: Crops
    validation: Crops
    statistics: PopulationStatistics

    @classmethod
    def load(cls, folder: str | Path, limit: int | None = None, limit_seed: int = 0) -> "Prepared":
        """Open a prepared folder; the crops are memory-mapped unless `limit` leaves some out.

        Parameters
        ----------
        folder
            The folder that `prepare` wrote.
        limit
            Number of training cells to keep, as of a user who annotated so few; None: all. Validation keeps all.
        limit_seed
            Random seed of that choice.

        Raises
        ------
        InputError
            If `prepare` was not run, left a split empty, or was of an older version.
        """
        statistics = load_statistics(folder)
        train = _load_crops(Path(folder, "train"), statistics.table, limit, limit_seed)
        return cls(train, _load_crops(Path(folder, "validation"), statistics.table), statistics)


def load_statistics(folder: str | Path) -> PopulationStatistics:
    """Read the statistics of the population alone.

    Parameters
    ----------
    folder
        The folder that `prepare` wrote.

    Raises
    ------
    InputError
        If it holds none.
    """
    path = Path(folder, "statistics.json")
    _check_exists(path)
    return PopulationStatistics.load(path)


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path} is missing: run `raysynth prepare` with this config first")


def _load_crops(folder: Path, table: CellTable, limit: int | None = None, limit_seed: int = 0) -> Crops:
    """Read the crops of one split."""
    files = [folder / name for name in _FILES]
    # All before any is opened: the answer to a missing file is `prepare`, not an error of numpy's.
    for path in files:
        _check_exists(path)
    images, masks, outlines = (np.load(path, mmap_mode="r") for path in files[:3])
    rows, cells = (pq.read_table(path) for path in files[3:])
    if not len(images) or not len(outlines):
        raise InputError(f"{folder} holds no crops: widen data.split or check the labels")
    # Folders carry no version of their own: early ones lack these columns.
    if not {"brightness", "relative_height"} <= set(rows.column_names) or "brightness" not in cells.column_names:
        raise InputError(f"{folder} was prepared by an older raysynth: run `raysynth prepare` with this config again")
    areas, solidities = (table.scores(name, cells[name].to_numpy()) for name in ("area_px", "solidity"))
    heights = rows["relative_height"].to_numpy().astype(np.float32)
    brightness = table.scores("brightness", rows["brightness"].to_numpy())
    crops = Crops(images, masks, heights, brightness, outlines, areas, solidities)
    return crops if limit is None else _limited(crops, rows, cells, limit, limit_seed)


def _limited(crops: Crops, rows: pa.Table, cells: pa.Table, limit: int, seed: int) -> Crops:
    """Keep the crops of `limit` cells, drawn by `seed`: what a user with so few annotated cells has."""
    keys, owners = (list(zip(t["frame"].to_pylist(), t["label"].to_pylist(), strict=True)) for t in (cells, rows))
    # The start of one permutation: with the same seed a smaller choice lies within every larger one.
    which = np.sort(generator(seed, 0, Stage.TRAINING, 0).permutation(len(keys))[:limit])
    kept = {keys[i] for i in which}
    of = np.array([owner in kept for owner in owners])
    images = (crops.images[of], crops.masks[of], crops.heights[of], crops.brightness[of])
    return Crops(*images, crops.outlines[which], crops.areas[which], crops.solidities[which])
