"""The map between a data set's grey values and the unit interval the networks work on."""

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from raysynth.base.arrays import Floats, Mask

INTENSITY_PERCENTILES = (0.1, 99.9)
"""Percentiles of the grey values that become 0 and 1: a few hot or dead pixels shall not set the range."""


class IntensityMap(BaseModel):
    """Clip grey values to [low, high] and scale them to [0, 1].

    Attributes
    ----------
    low, high
        Grey values that become 0 and 1.
    kind
        `linear` keeps differences. `sqrt` takes the square root of the scaled value: the variance of shot noise grows
        with brightness, that of its square root hardly does (Anscombe, 1948).
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

    def to_unit(self, image: ArrayLike) -> Floats:
        """Map grey values to the unit interval.

        Parameters
        ----------
        image
            Grey values of any shape and type.

        Returns
        -------
        Floats
            The same shape, in [0, 1].
        """
        # In double precision, so that integers of 32 bits keep their differences until they are scaled.
        scaled = np.clip((np.asarray(image, np.float64) - self.low) / (self.high - self.low), 0.0, 1.0)
        return (np.sqrt(scaled) if self.kind == "sqrt" else scaled).astype(np.float32)

    def from_unit(self, unit: ArrayLike) -> Floats:
        """Map the unit interval back to grey values.

        Parameters
        ----------
        unit
            Values of any shape; what is outside [0, 1] is clipped.

        Returns
        -------
        Floats
            Grey values, not rounded.
        """
        values = np.clip(np.asarray(unit, np.float64), 0.0, 1.0)
        values = values**2 if self.kind == "sqrt" else values
        return (self.low + values * (self.high - self.low)).astype(np.float32)


def fit_intensity(images: NDArray[Any], masks: Mask, kind: Literal["linear", "sqrt"]) -> IntensityMap:
    """Fit the map to training crops.

    It runs from the 0.1st percentile of all pixels to the 99.9th of the cells' own. Cells fill so little of a crop that
    a percentile of all pixels would cut off whole bright cells.

    Parameters
    ----------
    images
        Crops `(n, y, x)` in the data's own type.
    masks
        The cell in each of them.
    kind
        Which map; see `IntensityMap`.

    Returns
    -------
    IntensityMap
        For constant images, a map one grey value wide.
    """
    low, high = (
        float(np.percentile(values, level))
        for values, level in zip((images, images[masks]), INTENSITY_PERCENTILES, strict=True)
    )
    # An empty range would divide by 0; one grey value is the least difference of integer images.
    return IntensityMap(low=low, high=max(high, low + 1.0), kind=kind)
