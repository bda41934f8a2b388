"""What `prepare` wrote, as training reads it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.base.symmetries import AUGMENTATIONS, symmetry
from raysynth.config import Config
from raysynth.models.texture import Slice
from raysynth.preparation.prepared import prepared_folder
from raysynth.preparation.statistics import PopulationStatistics


@dataclass(frozen=True)
class Crops:
    """One split: texture crops and the outlines that MaskDDPM learns.

    images: float16 `(n, side, side)` in [0, 1]; masks: bool `(n, side, side)`; heights, brightness `(n,)`: of each
    image's slice within its cell, and of the whole cell as a normal score. outlines: bool `(m, side, side)`; areas,
    solidities `(m,)`: their normal scores.
    """

    images: NDArray[np.float16]
    masks: NDArray[np.bool_]
    heights: NDArray[np.float32]
    brightness: NDArray[np.float32]
    outlines: NDArray[np.bool_]
    areas: NDArray[np.float32]
    solidities: NDArray[np.float32]

    @property
    def side_px(self) -> int:
        return int(self.outlines.shape[-1])

    def slice(self, row: int, turn: int = 0) -> Slice:
        """What the texture of one crop depends on, the crop under one of the 8 flips and turns."""
        mask = symmetry(self.masks[row], AUGMENTATIONS[turn]).astype(bool, copy=False)
        return Slice(mask, float(self.heights[row]), float(self.brightness[row]))


def load_crops(config: Config, split: str) -> Crops:
    """The prepared `train` or `validation` crops, memory-mapped unless `crops.limit` leaves some out.

    Raises InputError when `prepare` has not been run or left nothing in the split.
    """
    folder = prepared_folder(config) / split
    try:
        images, masks, outlines = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "masks", "outlines")
        )
        rows, cells = (pq.read_table(folder / f"{name}.parquet") for name in ("cells", "outlines"))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename} is missing: run `raysynth prepare` with this config first") from None
    if not len(images) or not len(outlines):
        raise InputError(f"{folder} holds no crops: widen data.split or check the labels")
    if not {"brightness", "relative_height"} <= set(rows.column_names) or "brightness" not in cells.column_names:
        raise InputError(f"{folder} was prepared by an older raysynth: run `raysynth prepare` with this config again")
    table = load_statistics(config).table
    areas, solidities = (table.scores(name, cells[name].to_numpy()) for name in ("area_px", "solidity"))
    heights = rows["relative_height"].to_numpy().astype(np.float32)
    crops = Crops(
        images, masks, heights, table.scores("brightness", rows["brightness"].to_numpy()), outlines, areas, solidities
    )
    if split == "train" and config.crops.limit is not None:
        return _limited(crops, rows, cells, config.crops.limit, config.crops.limit_seed)
    return crops


def _limited(crops: Crops, rows: pa.Table, cells: pa.Table, limit: int, seed: int) -> Crops:
    """The crops of `limit` cells, drawn by `seed`: what a user with so few annotated cells has."""
    keys, owners = (list(zip(t["frame"].to_pylist(), t["label"].to_pylist(), strict=True)) for t in (cells, rows))
    which = np.sort(generator(seed, 0, Stage.TRAINING, 0).permutation(len(keys))[:limit])
    kept = {keys[i] for i in which}
    of = np.array([owner in kept for owner in owners])
    images = (crops.images[of], crops.masks[of], crops.heights[of], crops.brightness[of])
    return Crops(*images, crops.outlines[which], crops.areas[which], crops.solidities[which])


def load_statistics(config: Config) -> PopulationStatistics:
    """The population statistics that `prepare` measured."""
    path = prepared_folder(config) / "statistics.json"
    if not path.exists():
        raise InputError(f"{path} is missing: run `raysynth prepare` with this config first")
    return PopulationStatistics.load(path)
