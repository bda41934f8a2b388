"""The ablation without views and NeuS: random shapes from spherical harmonics as solid cells (`surface.source`).

It is the paper's "w/o SyncDreamer". A cell's mask gives its size, and nothing of its form.
"""

from collections.abc import Mapping

import numpy as np
import torch

from raysynth.base.arrays import Mask
from raysynth.base.seeds import Stage
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.solids import Solid, framed_masks, sliced
from raysynth.config import ShapesConfig
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import FILL, Stars, framed
from raysynth.preparation.statistics import PopulationStatistics


class HarmonicSolids:
    """Solids of the star-shaped kind that SyncDreamer learns from, in place of `SolidMaker`'s.

    Parameters
    ----------
    shapes
        Settings of the shapes.
    statistics
        The population; with shapes, unless `shapes.source` is plain (`bundle_info.resolve` sees to it).
    """

    def __init__(self, shapes: ShapesConfig, statistics: PopulationStatistics) -> None:
        spectrum = statistics.shapes if shapes.source == "measured" else Spectrum.plain(shapes)
        assert spectrum is not None
        self.spectrum, self.shapes, self.statistics = spectrum, shapes, statistics

    def make(self, run: ShardAccount, masks: Mapping[int, Mask], attempt: int) -> dict[int, Solid]:
        """Make a random solid for each mask, of its width and a height drawn for that; there is no gate.

        Parameters
        ----------
        run
            Account of the shard.
        masks
            Item → mask `(y, x)`.
        attempt
            Which attempt at these cells.

        Returns
        -------
        dict
            Item → solid. Those that do not fit their crop are counted and left out.
        """
        cubes = framed_masks(run, masks, attempt, self.shapes, self.statistics)
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
        """Draw one shape that spans `FILL` of the cube in height and width, as a framed cell does."""
        coefficients = torch.from_numpy(self.spectrum.draw(rng)[None]).float()
        # As high as wide in the cube: the cube itself is stretched to the height that was drawn.
        return framed(coefficients, aspect=torch.ones(1), fill=torch.tensor([FILL]))
