"""The map between a data set's grey values and the unit interval the networks work on."""

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, model_validator

PERCENTILES = (0.1, 99.9)


class IntensityMap(BaseModel):
    """Clips grey values to [low, high] and scales them to [0, 1].

    `linear` keeps differences; `sqrt` takes the square root of the scaled value, which makes the spread of shot noise
    nearly independent of brightness.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float
    kind: Literal["linear", "sqrt"] = "sqrt"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError("an intensity map needs low < high")
        return self

    def to_unit(self, image: ArrayLike) -> NDArray[np.float32]:
        """Grey values of any shape as float32 in [0, 1]."""
        scaled = np.clip((np.asarray(image, np.float64) - self.low) / (self.high - self.low), 0.0, 1.0)
        return (np.sqrt(scaled) if self.kind == "sqrt" else scaled).astype(np.float32)

    def from_unit(self, unit: ArrayLike) -> NDArray[np.float32]:
        """The inverse: values of [0, 1] as float32 grey values (not rounded)."""
        values = np.clip(np.asarray(unit, np.float64), 0.0, 1.0)
        values = values**2 if self.kind == "sqrt" else values
        return (self.low + values * (self.high - self.low)).astype(np.float32)


def fit_intensity(images: NDArray[Any], masks: NDArray[np.bool_], kind: Literal["linear", "sqrt"]) -> IntensityMap:
    """The map for training crops `(n, y, x)` and their masks.

    From the 0.1st percentile of all pixels to the 99.9th of the cells' own: cells fill so little of a crop that a
    percentile of all pixels would cut off whole bright cells. Constant images give a map one grey value wide.
    """
    low, high = float(np.percentile(images, PERCENTILES[0])), float(np.percentile(images[masks], PERCENTILES[1]))
    return IntensityMap(low=low, high=max(high, low + 1.0), kind=kind)
