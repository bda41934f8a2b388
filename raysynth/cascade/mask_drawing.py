"""Masks of new cells: drawn by MaskDDPM, and drawn again until the limits of the training masks accept them."""

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel

from raysynth.base.arrays import Mask
from raysynth.base.sampling import equal_batches
from raysynth.base.seeds import Stage
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.bundle_info import BundleInfo
from raysynth.config import MasksConfig
from raysynth.models.masks import mask_condition, sample_masks

MASK_DRAWS = 32
"""Masks drawn for one attempt at a cell before MaskDDPM counts as unable to make it."""


class MaskDrawer:
    """MaskDDPM for the cells of a data set.

    Parameters
    ----------
    model, schedule
        MaskDDPM and its noise schedule.
    settings
        Settings of the masks: batch and sampler.
    info
        The bundle's description: its population and the limits of its masks.
    """

    def __init__(self, model: UNet2DModel, schedule: DDIMScheduler, settings: MasksConfig, info: BundleInfo) -> None:
        self.model, self.schedule, self.settings = model, schedule, settings
        self.statistics, self.limits = info.statistics, info.mask_limits

    def draw(self, run: ShardAccount, items: Sequence[int], attempt: int) -> dict[int, Mask]:
        """Draw one mask per cell that the limits accept.

        Parameters
        ----------
        run
            Account of the shard.
        items
            Numbers of the cells in the shard.
        attempt
            Which attempt at these cells.

        Returns
        -------
        dict
            Item → mask `(side, side)`; cells that `MASK_DRAWS` draws have not made are missing.
        """
        accepted: dict[int, Mask] = {}
        pending = list(items)
        for draw in range(MASK_DRAWS):
            if not pending:
                break
            for batch, count in equal_batches(pending, self.settings.batch):
                # The batch's filling repeats a cell that is in it already, and is not counted.
                drawn = self._draw_once(run, batch, attempt, draw)
                accepted |= self._within_limits(run, batch[:count], drawn[:count])
            pending = [item for item in items if item not in accepted]
        return {item: accepted[item] for item in items if item in accepted}

    def _draw_once(self, run: ShardAccount, batch: Sequence[int], attempt: int, draw: int) -> Mask:
        """Draw one mask `(n, side, side)` for each item of a batch, not yet judged."""
        # Draws of one attempt share what the cell is conditioned on, and differ in their noise.
        rngs = [run.rng(Stage.MASK, item, attempt * MASK_DRAWS + draw) for item in batch]
        conditions = torch.tensor([self._condition(run, item, attempt) for item in batch])
        steps, side = self.settings.sampler_steps, self.statistics.crop_side_px
        return sample_masks(self.model, self.schedule, rngs, conditions, steps, side)

    def _within_limits(self, run: ShardAccount, items: Sequence[int], masks: Mask) -> dict[int, Mask]:
        """Pick the masks, by item, that the limits of the training masks let pass; the others are counted."""
        accepted = {}
        for item, mask in zip(items, masks, strict=True):
            run.counts["masks_drawn"] += 1
            if reason := self.limits.reject(mask):
                run.counts[f"masks_rejected_{reason.replace(' ', '_')}"] += 1
            else:
                accepted[item] = mask
        return accepted

    def _condition(self, run: ShardAccount, item: int, attempt: int) -> tuple[float, ...]:
        """Draw what MaskDDPM is conditioned on for that cell, which lies at any angle."""
        table, rng = self.statistics.table, run.rng(Stage.CELL, item, attempt)
        scores = table.draw(rng)
        eccentricity = table.value("eccentricity", scores["eccentricity"])
        # The angle is drawn last: `Cascade.paint` repeats the table's draw alone, and must meet the same cell.
        return mask_condition(scores["area_px"], scores["solidity"], eccentricity, rng.uniform(0, np.pi))
