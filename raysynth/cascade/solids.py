"""3D: from masks to solid cells — views, surface, quality gate, slices — many cells at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from diffusers import DDIMScheduler
from numpy.typing import NDArray
from torch import Tensor

from raysynth.base.sampling import equal_batches
from raysynth.base.seeds import Stage, normal
from raysynth.cascade.framing import Framed, frame, view_along_z
from raysynth.cascade.run import Run
from raysynth.config import Config
from raysynth.geometry.relief import Relief
from raysynth.geometry.slicing import FieldOnGrid, slices
from raysynth.geometry.stars import FILL
from raysynth.models.masks import MARGIN_PX
from raysynth.models.views import MultiViewModel, sample
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.surfaces.fitting import Surfaces, check_memory, fit
from raysynth.surfaces.gate import Verdict, judge

GATE_SIDE = 40
"""Voxels along the cube in which the gate looks at a surface."""


@dataclass(frozen=True)
class Solid:
    """The shape of one cell: mask `(z, y, x)` trimmed to its bounding box, the attempt that made it, figures."""

    item: int
    attempt: int
    mask: NDArray[np.bool_]
    quality: dict[str, float] = field(default_factory=dict)


class SolidMaker:
    """SyncDreamer and NeuS for the cells of a data set."""

    def __init__(
        self, views: MultiViewModel, schedule: DDIMScheduler, config: Config, statistics: PopulationStatistics
    ) -> None:
        assert statistics.voxel_um is not None
        check_memory(config.surface, config.views.count, config.views.side_px)
        self.model, self.schedule = views, schedule
        self.config, self.statistics = config, statistics
        self.voxel_um = statistics.voxel_um

    def make(self, run: Run, masks: Mapping[int, NDArray[np.bool_]], attempt: int) -> dict[int, Solid]:
        """The solids of the masks `(y, x)` that pass the gate, by item; the refused are counted."""
        framed = framed_masks(run, masks, attempt, self.config, self.statistics)
        with run.timed("views"):
            views = self._views(run, framed, attempt)
        solids: dict[int, Solid] = {}
        for batch, count in equal_batches(list(framed), self.config.surface.batch):
            seen = torch.stack([views[item] for item in batch])
            with run.timed("surface"):
                surfaces = fit(seen, self.model.cameras, self.config.surface)
            with run.timed("slices"):
                verdicts = judge(surfaces.fields(GATE_SIDE), seen, self.model.cameras, self.config.gate)
                for place, item in enumerate(batch[:count]):
                    rng = run.rng(Stage.SURFACE, item, attempt)
                    solid = self._slice(run, rng, surfaces, place, framed[item], verdicts[place])
                    if solid is not None:
                        solids[item] = Solid(item, attempt, solid, verdicts[place].figures)
        return solids

    def _views(self, run: Run, framed: Mapping[int, Framed], attempt: int) -> dict[int, Tensor]:
        """Predicted soft masks `(n, s, s)` of every cell; view 0 is its own mask."""
        settings, device = self.config.views, self.model.cameras.device
        side, truncation = settings.side_px, settings.truncation_px
        views: dict[int, Tensor] = {}
        for batch, count in equal_batches(list(framed), settings.batch):
            seen = [view_along_z(framed[item], self.voxel_um[-1], side, truncation) for item in batch]
            noise = [normal(run.rng(Stage.VIEWS, item, attempt), settings.count, side, side) for item in batch]
            condition, start = torch.stack(seen)[:, None].to(device), torch.stack(noise).to(device)
            heights = torch.full((len(batch),), 2 * FILL, device=device)  # what framing makes of any cell
            drawn = sample(self.model, condition, heights, start, self.schedule, settings.sampler_steps)
            views |= dict(zip(batch[:count], drawn[:count], strict=True))
        return views

    def _relief(self, rng: np.random.Generator, centre: Tensor) -> Relief | None:
        """The fine relief of one cell, where volumes say how rough cells are."""
        spectrum, share = self.statistics.shapes, self.config.shapes.relief
        if spectrum is None or spectrum.outlines_only or not share:
            return None
        return Relief(rng, spectrum, share, centre)

    def _slice(
        self,
        run: Run,
        rng: np.random.Generator,
        surfaces: Surfaces,
        place: int,
        framed: Framed,
        verdict: Verdict,
    ) -> NDArray[np.bool_] | None:
        """The mask `(z, y, x)` of an accepted surface that fits its crop; None and a count otherwise."""
        run.counts["surfaces_fitted"] += 1
        if not verdict.accepted:
            run.counts["surfaces_rejected_iou"] += 1
            return None
        relief = self._relief(rng, surfaces.networks.centre[place])
        return sliced(run, partial(surfaces.on_grid, place, relief=relief), framed, self.statistics)


def framed_masks(
    run: Run, masks: Mapping[int, NDArray[np.bool_]], attempt: int, config: Config, statistics: PopulationStatistics
) -> dict[int, Framed]:
    """The cube around each mask `(y, x)`, by item: as wide as the mask, of a height drawn for that width."""
    assert statistics.voxel_um is not None
    pixel_um, cells = statistics.voxel_um[-1], statistics.cells
    return {
        item: frame(run.rng(Stage.HEIGHT, item, attempt), mask, pixel_um, cells, config.shapes)
        for item, mask in masks.items()
    }


def sliced(run: Run, field: FieldOnGrid, framed: Framed, statistics: PopulationStatistics) -> NDArray[np.bool_] | None:
    """The mask `(z, y, x)` of a cell at the data's voxels; None and a count where it does not fit its crop."""
    assert statistics.voxel_um is not None
    mask = slices(field, framed.half_um, statistics.voxel_um)
    if not mask.size or max(mask.shape[1:]) > statistics.crop_side_px - 2 * MARGIN_PX:
        run.counts["surfaces_rejected_size"] += 1
        return None
    return mask
