"""What `prepare` wrote, as training reads it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysynth.config import Config
from raysynth.data.prepared import prepared_folder
from raysynth.data.statistics import PopulationStatistics
from raysynth.errors import InputError


@dataclass(frozen=True)
class Crops:
    """One split: texture crops and the outlines that MaskDDPM learns.

    images: float16 `(n, side, side)` in [0, 1]; masks: bool `(n, side, side)`; outlines: bool `(m, side, side)`.
    """

    images: NDArray[np.float16]
    masks: NDArray[np.bool_]
    outlines: NDArray[np.bool_]

    @property
    def side_px(self) -> int:
        return int(self.outlines.shape[-1])


def load_crops(config: Config, split: str) -> Crops:
    """The prepared `train` or `validation` crops, memory-mapped.

    Raises InputError when `prepare` has not been run or left nothing in the split.
    """
    folder = prepared_folder(config) / split
    try:
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "masks", "outlines")]
    except FileNotFoundError as error:
        raise InputError(f"{error.filename} is missing: run `raysynth prepare` with this config first") from None
    if not len(arrays[0]) or not len(arrays[2]):
        raise InputError(f"{folder} holds no crops: widen data.split or check the labels")
    return Crops(*arrays)


def load_statistics(config: Config) -> PopulationStatistics:
    """The population statistics that `prepare` measured."""
    path = prepared_folder(config) / "statistics.json"
    if not path.exists():
        raise InputError(f"{path} is missing: run `raysynth prepare` with this config first")
    return PopulationStatistics.load(path)
