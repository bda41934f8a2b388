"""Distributions as their quantiles: measured once, drawn from ever after."""

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from raysynth.base.arrays import Doubles


class Measured(BaseModel):
    """A group of measurements: fixed once measured, JSON on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Quantiles(Measured):
    """A distribution as its values at evenly spaced levels from 0 (least) to 1 (largest)."""

    values: tuple[float, ...] = Field(min_length=2)

    @classmethod
    def of(cls, sample: ArrayLike, count: int = 101) -> "Quantiles":
        """Measure a sample.

        Parameters
        ----------
        sample
            Values of any shape, at least one.
        count
            Number of levels.

        Returns
        -------
        Quantiles
            Its quantiles at evenly spaced levels.
        """
        return cls(values=tuple(np.quantile(np.asarray(sample, float), np.linspace(0, 1, count)).tolist()))

    def at(self, level: ArrayLike) -> Doubles:
        """Give the values at some levels, linear between those stored; uniform levels draw from the distribution.

        Parameters
        ----------
        level
            Levels in [0, 1], of any shape.

        Returns
        -------
        Doubles
            Values of that shape.
        """
        return np.interp(np.asarray(level, float), np.linspace(0, 1, len(self.values)), self.values)

    def level(self, value: ArrayLike) -> Doubles:
        """Give the levels of some values: the inverse of `at`.

        Parameters
        ----------
        value
            Values of any shape.

        Returns
        -------
        Doubles
            Levels of that shape; 0 below the least value and 1 above the largest.
        """
        return np.interp(np.asarray(value, float), self.values, np.linspace(0, 1, len(self.values)))
