"""The ablation without views and NeuS: random shapes from spherical harmonics as solid cells (`surface.source`).

It is the paper's "w/o SyncDreamer". A cell's mask says how large it is, and nothing of its form.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from raysynth.base.seeds import Stage
from raysynth.cascade.run import Run
from raysynth.cascade.solids import Solid, framed_masks, sliced
from raysynth.config import Config
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import FILL, Stars, framed
from raysynth.preparation.statistics import PopulationStatistics


class HarmonicSolids:
    """Solids of the star-shaped kind that SyncDreamer learns from, in place of `SolidMaker`'s."""

    def __init__(self, config: Config, statistics: PopulationStatistics) -> None:
        """statistics: with shapes, unless `shapes.source` is plain (`Bundle.resolve` sees to it)."""
        measured = config.shapes.source == "measured"
        spectrum = statistics.shapes if measured else Spectrum.plain(config.shapes)
        assert spectrum is not None
        self.spectrum, self.config, self.statistics = spectrum, config, statistics

    def make(self, run: Run, masks: Mapping[int, NDArray[np.bool_]], attempt: int) -> dict[int, Solid]:
        """A random solid for each mask `(y, x)`, by item, of its width and a height drawn for that; no gate.

        Those that do not fit their crop are counted and left out.
        """
        cubes = framed_masks(run, masks, attempt, self.config, self.statistics)
        solids: dict[int, Solid] = {}
        with run.timed("slices"):
            for item, cube in cubes.items():
                run.counts["surfaces_drawn"] += 1
                shape = self._draw(run.rng(Stage.SURFACE, item, attempt))
                mask = sliced(run, shape.on_grid, cube, self.statistics)
                if mask is not None:
                    solids[item] = Solid(item, attempt, mask)
        return solids

    def _draw(self, rng: np.random.Generator) -> Stars:
        """One shape that spans `FILL` of the cube in height and width, as a framed cell does."""
        coefficients = torch.from_numpy(self.spectrum.draw(rng)[None]).float()
        return framed(coefficients, aspect=torch.ones(1), fill=torch.tensor([FILL]))
