"""The table of real cells that a new cell's size, form and brightness are drawn from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from pydantic import Field

from raysynth.base.arrays import Floats
from raysynth.base.sampling import evenly_spaced
from raysynth.preparation.quantiles import Measured


class CellTable(Measured):
    """Real training cells, one entry per cell in every column: what generation draws a new cell's properties from.

    Networks see the columns as normal scores: ranks among these cells, as values of a normal distribution.
    """

    area_px: tuple[float, ...] = Field(min_length=1, description="area of the outline that MaskDDPM learns")
    eccentricity: tuple[float, ...] = Field(min_length=1, description="of the outline's ellipse of equal moments")
    solidity: tuple[float, ...] = Field(min_length=1, description="area of the outline over that of its convex hull")
    brightness: tuple[float, ...] = Field(min_length=1, description="mean of the cell in the unit interval")

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]], most: int = 1000) -> "CellTable":
        """Make the table of outline rows, of evenly chosen ones where there are many.

        Parameters
        ----------
        rows
            Rows of `outlines.parquet`.
        most
            Number of cells to keep at most.

        Returns
        -------
        CellTable
            Values with six digits.
        """
        chosen = [rows[i] for i in evenly_spaced(len(rows), most)]
        # Six digits are far finer than a pixel, and keep the description of a bundle short.
        return cls(**{name: tuple(float(f"{row[name]:.6g}") for row in chosen) for name in cls.model_fields})

    def scores(self, name: str, values: ArrayLike) -> Floats:
        """Turn values of a column into normal scores.

        With n known values, of which b are below x and u up to it, the score is Φ⁻¹(((b + u) / 2 + ½) / (n + 1)):
        the middle of x's ranks, kept off 0 and 1, whose scores are infinite (van der Waerden).

        Parameters
        ----------
        name
            Name of the column.
        values
            Values of any shape; ties share the middle of their ranks.

        Returns
        -------
        Floats
            Scores of that shape.
        """
        from scipy.special import ndtri  # slow to import, and reading a bundle's description needs none of it

        known = np.sort(getattr(self, name))
        below, upto = (np.searchsorted(known, values, side) for side in ("left", "right"))
        return ndtri(((below + upto) / 2 + 0.5) / (len(known) + 1)).astype(np.float32)

    def value(self, name: str, score: float) -> float:
        """Turn a normal score back into a value: the inverse of `scores`, linear between the known values.

        Parameters
        ----------
        name
            Name of the column.
        score
            Normal score.

        Returns
        -------
        float
            Value of the column.
        """
        from scipy.special import ndtr

        return float(np.quantile(getattr(self, name), ndtr(score)))

    def draw(self, rng: Generator, spread: float = 0.1) -> dict[str, float]:
        """Draw a new cell: one real cell's normal scores, each moved a little.

        Parameters
        ----------
        rng
            Draws the real cell and the moves.
        spread
            Standard deviation of a move, in units of the scores.

        Returns
        -------
        dict
            Name of the column → normal score. They are shrunk so that their variance stays 1.
        """
        # The order of the draws, and with it that of the columns, is part of the data format.
        which = int(rng.integers(len(self.area_px)))
        moved = spread * rng.standard_normal(len(type(self).model_fields))
        # Score and move are independent, so their sum has the variance 1 + spread².
        shrunk = 1 / np.sqrt(1 + spread**2)
        scores = {name: float(self.scores(name, getattr(self, name)[which])) for name in type(self).model_fields}
        return {name: float(shrunk * (score + m)) for (name, score), m in zip(scores.items(), moved, strict=True)}
