"""The whole cascade for one shard of cells: a pure function of (config, bundle, seed, shard)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from raysynth.base.sampling import equal_batches
from raysynth.base.seeds import Stage, seed_key
from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.harmonic_solids import HarmonicSolids
from raysynth.cascade.run import Run
from raysynth.cascade.solids import Solid, SolidMaker
from raysynth.config import Config
from raysynth.models.masks import sample as sample_masks
from raysynth.models.masks import told
from raysynth.models.noise import slice_noise
from raysynth.models.texture import Slice, paint
from raysynth.population.cell import Cell
from raysynth.preparation.crops import relative_height

MASK_DRAWS = 32
"""Masks drawn for one attempt at a cell before MaskDDPM counts as unable to make it."""

Masks = dict[int, NDArray[np.bool_]]


class ShardFailure(RuntimeError):
    """A shard that kept too few of its cells; the message is its reason."""


@dataclass
class SynthesisedShard:
    """A shard's cells, in item order; what was rejected and why; seconds by stage."""

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float]


class Cascade:
    """The models of one bundle, ready to make shard after shard."""

    def __init__(self, bundle: str, config: Config, device: str) -> None:
        """bundle: name or folder. device: `cpu` or `cuda`."""
        self.bundle = open_bundle(bundle)
        self.config = self.bundle.resolve(config)
        self.device = torch.device(device)
        self.statistics = self.bundle.info.statistics
        self.masks, self.mask_schedule = self.bundle.masks
        self.texture = self.bundle.texture
        models: list[nn.Module] = [self.masks, self.texture]
        self.solids: SolidMaker | HarmonicSolids | None = None
        if self.config.has_views:
            views, view_schedule = self.bundle.views
            self.solids = SolidMaker(views, view_schedule, self.config, self.statistics)
            models.append(views)
        elif self.statistics.dimensions == 3:
            self.solids = HarmonicSolids(self.config, self.statistics)
        for model in models:
            model.to(self.device).eval().requires_grad_(False)

    def synthesise(self, shard: int, seed: int) -> SynthesisedShard:
        """Make the cells of `shard`.

        Raises ShardFailure when fewer than `gate.min_kept` of `generate.cells_per_shard` pass.
        """
        run = Run(seed, shard)
        wanted = self.config.generate.cells_per_shard
        solids = self.shape(run, range(wanted))
        kept = len(solids)
        run.counts["cells_dropped"] = wanted - kept
        if kept < self.config.gate.min_kept * wanted:
            raise ShardFailure(f"only {kept} of {wanted} cells passed the gate: {dict(run.counts)}")
        with run.timed("texture"):
            textures = self.paint(run, solids)
        cells = [self._cell(run, solid, texture) for solid, texture in zip(solids, textures, strict=True)]
        return SynthesisedShard(cells, dict(run.counts), dict(run.seconds))

    def shape(self, run: Run, items: Sequence[int]) -> list[Solid]:
        """Accepted shapes in item order; what the gate refuses is drawn again, each time from a new mask."""
        accepted: dict[int, Solid] = {}
        for attempt in range(self.config.gate.max_attempts):
            pending = [item for item in items if item not in accepted]
            if not pending:
                break
            with run.timed("masks"):
                masks = self._draw_masks(run, pending, attempt)
            accepted |= self._solids(run, masks, attempt)
        return [accepted[item] for item in items if item in accepted]

    def _solids(self, run: Run, masks: Masks, attempt: int) -> dict[int, Solid]:
        if self.solids is None:
            return {item: Solid(item, attempt, mask[None]) for item, mask in masks.items()}
        return self.solids.make(run, masks, attempt)

    def _draw_masks(self, run: Run, items: Sequence[int], attempt: int) -> Masks:
        """One accepted mask `(y, x)` an item, as far as `MASK_DRAWS` draws go."""
        settings, accepted, pending = self.config.masks, {}, list(items)
        for draw in range(MASK_DRAWS):
            if not pending:
                break
            for batch, count in equal_batches(pending, settings.batch):
                rngs = [run.rng(Stage.MASK, item, attempt * MASK_DRAWS + draw) for item in batch]
                figures = torch.tensor([self._told(run, item, attempt) for item in batch])
                drawn = sample_masks(
                    self.masks, self.mask_schedule, rngs, figures, settings.sampler_steps, self.statistics.crop_side_px
                )
                for item, mask in zip(batch[:count], drawn[:count], strict=True):
                    run.counts["masks_drawn"] += 1
                    if reason := self.bundle.info.mask_limits.reject(mask):
                        run.counts[f"masks_rejected_{reason.replace(' ', '_')}"] += 1
                    else:
                        accepted[item] = mask
            pending = [item for item in items if item not in accepted]
        return {item: accepted[item] for item in items if item in accepted}

    def _told(self, run: Run, item: int, attempt: int) -> tuple[float, ...]:
        """What MaskDDPM is told of that cell, lying at any angle."""
        table, rng = self.statistics.table, run.rng(Stage.CELL, item, attempt)
        scores = table.draw(rng)
        eccentricity = table.value("eccentricity", scores["eccentricity"])
        return told(scores["area_px"], scores["solidity"], eccentricity, rng.uniform(0, np.pi))

    def paint(self, run: Run, solids: Sequence[Solid]) -> list[NDArray[np.float16]]:
        """Whole crops `(z, side, side)` in [0, 1] of every slice of every cell, in batches across cells."""
        settings, side = self.config.texture, self.statistics.crop_side_px
        shape = self.texture.latent_shape(settings.resolution_px or side)
        slices, noise = [], []
        for solid in solids:
            brightness = self.statistics.table.draw(run.rng(Stage.CELL, solid.item, solid.attempt))["brightness"]
            heights = [relative_height(z, len(solid.mask)) for z in range(len(solid.mask))]
            slices += [
                Slice(centred(plane, side), height, brightness)
                for plane, height in zip(solid.mask, heights, strict=True)
            ]
            noise += list(slice_noise(run.rng(Stage.TEXTURE, solid.item), len(solid.mask), settings.rho, *shape))
        painted = iter(paint(self.texture, slices, noise, settings, self.config.masks.truncation_px))
        run.counts["slices"] = len(slices)
        return [np.stack([next(painted) for _ in solid.mask]) for solid in solids]

    def _cell(self, run: Run, solid: Solid, texture: NDArray[np.float16]) -> Cell:
        """The cell trimmed to its bounding box, its texture to that and the ring."""
        ring = self.config.imaging.ring_px
        mask = np.stack([centred(plane, texture.shape[-1]) for plane in solid.mask])
        flat = mask.any(axis=0)
        spans = [np.flatnonzero(flat.any(axis=axis))[[0, -1]] for axis in (1, 0)]
        (y0, y1), (x0, x1) = ((int(first), int(last) + 1) for first, last in spans)
        mask = mask[:, y0:y1, x0:x1]
        texture = texture[:, y0 - ring : y1 + ring, x0 - ring : x1 + ring]
        if self.statistics.dimensions == 2:
            mask, texture = mask[0], texture[0]
        key = list(seed_key(run.shard, Stage.MASK, solid.item, solid.attempt))
        return Cell(mask.copy(), texture.copy(), ring, {"seed_key": key, **solid.quality})


def centred(plane: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """`plane` `(y, x)` in the middle of an empty square of `side`; it must fit."""
    square = np.zeros((side, side), bool)
    y, x = ((side - n) // 2 for n in plane.shape)
    square[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
    return square
