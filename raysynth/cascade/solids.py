"""3D: from masks to solid cells (views, surface, quality gate, slices), many cells at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from raysynth.base.arrays import Mask
from raysynth.base.sampling import equal_batches
from raysynth.base.seeds import Stage, normal
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.framing import FramedMask, frame_mask, view_along_z
from raysynth.cascade.settings import CascadeSettings
from raysynth.config import ShapesConfig
from raysynth.config.generation import RING_PX
from raysynth.geometry.relief import Relief
from raysynth.geometry.slicing import FieldOnGrid, slices
from raysynth.geometry.stars import FILL
from raysynth.models.views import MultiViewModel, sample_views
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.surfaces.fitting import Surfaces, check_memory, fit_surfaces
from raysynth.surfaces.gate import Verdict, judge

GATE_SIDE = 40
"""Voxels along the cube in which the gate looks at a surface."""


@dataclass(frozen=True)
class Solid:
    """The shape of one cell.

    Attributes
    ----------
    item
        Number of the cell in its shard.
    attempt
        Which attempt made it.
    mask
        `(z, y, x)`, trimmed to its bounding box.
    quality
        What the gate measured, by name; empty where there is no gate.
    """

    item: int
    attempt: int
    mask: Mask
    quality: dict[str, float] = field(default_factory=dict)


class SolidMaker:
    """SyncDreamer and NeuS for the cells of a data set.

    Parameters
    ----------
    views, schedule
        SyncDreamer and its noise schedule.
    settings
        The cascade's settings.
    statistics
        The population, 3D.

    Raises
    ------
    InputError
        When a batch of surfaces needs more than `surface.memory_mb`.
    """

    def __init__(
        self,
        views: MultiViewModel,
        schedule: DDIMScheduler,
        settings: CascadeSettings,
        statistics: PopulationStatistics,
    ) -> None:
        assert statistics.voxel_um is not None
        # Here, so that too large a batch is refused before any cell is made.
        check_memory(settings.surface, settings.views.count, settings.views.side_px)
        self.model, self.schedule = views, schedule
        self.settings, self.statistics = settings, statistics
        self.voxel_um = statistics.voxel_um

    def make(self, run: ShardAccount, masks: Mapping[int, Mask], attempt: int) -> dict[int, Solid]:
        """Make the solids of masks and judge them.

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
            Item → solid that passed the gate. The refused are counted.
        """
        framed = framed_masks(run, masks, attempt, self.settings.shapes, self.statistics)
        with run.timed("views"):
            views = self._views(run, framed, attempt)
        solids: dict[int, Solid] = {}
        for batch, count in equal_batches(list(framed), self.settings.surface.batch):
            seen = torch.stack([views[item] for item in batch])
            with run.timed("surface"):
                surfaces = fit_surfaces(seen, self.model.cameras, self.settings.surface)
            with run.timed("slices"):
                verdicts = judge(surfaces.fields(GATE_SIDE), seen, self.model.cameras, self.settings.gate)
                for position, item in enumerate(batch[:count]):
                    rng = run.rng(Stage.SURFACE, item, attempt)
                    solid = self._slice(run, rng, surfaces, position, framed[item], verdicts[position])
                    if solid is not None:
                        solids[item] = Solid(item, attempt, solid, verdicts[position].ious)
        return solids

    def _views(self, run: ShardAccount, framed: Mapping[int, FramedMask], attempt: int) -> dict[int, Tensor]:
        """Predict signed distances `(n, s, s)` of the views of every cell; view 0 is its own mask."""
        config, device = self.settings.views, self.model.cameras.device
        side, truncation = config.side_px, config.truncation_px
        views: dict[int, Tensor] = {}
        for batch, count in equal_batches(list(framed), config.batch):
            seen = [view_along_z(framed[item], self.voxel_um[-1], side, truncation) for item in batch]
            noise = [normal(run.rng(Stage.VIEWS, item, attempt), config.count, side, side) for item in batch]
            condition, start = torch.stack(seen)[:, None].to(device), torch.stack(noise).to(device)
            heights = torch.full((len(batch),), 2 * FILL, device=device)  # what framing makes of any cell
            drawn = sample_views(self.model, condition, heights, start, self.schedule, config.sampler_steps)
            # All views are kept before any surface is fitted: the two work in batches of different sizes.
            views |= dict(zip(batch[:count], drawn[:count], strict=True))
        return views

    def _relief(self, rng: np.random.Generator, centre: Tensor) -> Relief | None:
        """Draw the fine relief of one cell, where volumes show how rough cells are."""
        spectrum, amplitude = self.statistics.shapes, self.settings.shapes.relief
        # Outlines alone do not tell how rough a surface is between them.
        if spectrum is None or spectrum.outlines_only or not amplitude:
            return None
        return Relief(rng, spectrum, amplitude, centre)

    def _slice(
        self,
        run: ShardAccount,
        rng: np.random.Generator,
        surfaces: Surfaces,
        position: int,
        framed: FramedMask,
        verdict: Verdict,
    ) -> Mask | None:
        """Cut the mask `(z, y, x)` of an accepted surface that fits its crop; None and a count otherwise."""
        run.counts["surfaces_fitted"] += 1
        if not verdict.accepted:
            run.counts["surfaces_rejected_iou"] += 1
            return None
        relief = self._relief(rng, surfaces.networks.centre[position])
        return sliced(run, partial(surfaces.on_grid, position, relief=relief), framed, self.statistics)


def framed_masks(
    run: ShardAccount, masks: Mapping[int, Mask], attempt: int, shapes: ShapesConfig, statistics: PopulationStatistics
) -> dict[int, FramedMask]:
    """Lay the cube around each mask: as wide as the mask, of a height drawn for that width.

    Parameters
    ----------
    run
        Account of the shard, which draws the heights.
    masks
        Item → mask `(y, x)`.
    attempt
        Which attempt at these cells.
    shapes
        Settings of the shapes.
    statistics
        The population, 3D.

    Returns
    -------
    dict
        Item → framed mask.
    """
    assert statistics.voxel_um is not None
    pixel_um, cells = statistics.voxel_um[-1], statistics.cells
    return {
        item: frame_mask(run.rng(Stage.HEIGHT, item, attempt), mask, pixel_um, cells, shapes)
        for item, mask in masks.items()
    }


def sliced(run: ShardAccount, field: FieldOnGrid, framed: FramedMask, statistics: PopulationStatistics) -> Mask | None:
    """Cut a cell at the data's voxels.

    Parameters
    ----------
    run
        Account of the shard.
    field
        The cell as a function of positions in its cube.
    framed
        The cell's cube.
    statistics
        The population, 3D: its voxels and crops.

    Returns
    -------
    Mask or None
        `(z, y, x)`; None, and a count, where the cell does not fit its crop.
    """
    assert statistics.voxel_um is not None
    mask = slices(field, framed.half_um, statistics.voxel_um)
    # The crop must show the whole ring of the cell's surroundings.
    if not mask.size or max(mask.shape[1:]) > statistics.crop_side_px - 2 * RING_PX:
        run.counts["surfaces_rejected_size"] += 1
        return None
    return mask
