"""The whole cascade for one shard of cells: a pure function of settings, bundle, seed and shard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from raysynth.base.arrays import Mask
from raysynth.base.errors import RaysynthError
from raysynth.base.seeds import Stage, seed_key
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.cascade.harmonic_solids import HarmonicSolids
from raysynth.cascade.mask_drawing import MaskDrawer
from raysynth.cascade.settings import CascadeSettings
from raysynth.cascade.solids import Solid, SolidMaker
from raysynth.config import Config
from raysynth.models.noise import slice_noise
from raysynth.models.painting import Slice, paint
from raysynth.population.cell import Cell
from raysynth.preparation.crops import relative_height


class ShardFailure(RaysynthError, RuntimeError):
    """A shard that kept too few of its cells; the message is its reason."""


@dataclass
class SynthesisedShard:
    """What the cascade made of one shard.

    Attributes
    ----------
    cells
        Its cells, in the order of their items.
    counts
        How many were drawn, refused and dropped, and why.
    seconds
        Time spent, by stage.
    """

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float]


class Cascade:
    """The models of one bundle, ready to make shard after shard.

    Parameters
    ----------
    bundle
        The models.
    settings
        The cascade's settings, with the structure of the bundle's models in them.
    device
        `cpu` or `cuda`.
    """

    def __init__(self, bundle: Bundle, settings: CascadeSettings, device: str) -> None:
        self.settings = settings
        self.device = torch.device(device)
        self.statistics = bundle.info.statistics
        self.masks = MaskDrawer(*bundle.masks, settings.masks, bundle.info)
        self.texture = bundle.texture
        models: list[nn.Module] = [self.masks.model, self.texture]
        self.solids: SolidMaker | HarmonicSolids | None = None
        if settings.has_views:
            views, view_schedule = bundle.views
            self.solids = SolidMaker(views, view_schedule, settings, self.statistics)
            models.append(views)
        elif self.statistics.dimensions == 3:
            self.solids = HarmonicSolids(settings.shapes, self.statistics)
        for model in models:
            # No gradients: only the small surface networks are trained here, and they are made anew for every cell.
            model.to(self.device).eval().requires_grad_(False)

    def synthesise(self, shard: int, seed: int) -> SynthesisedShard:
        """Make the cells of one shard.

        Parameters
        ----------
        shard
            Number of the shard.
        seed
            Seed of the data set.

        Returns
        -------
        SynthesisedShard
            The same cells at every call, on one device and number of threads.

        Raises
        ------
        ShardFailure
            When a smaller fraction than `gate.min_kept` of `generate.cells_per_shard` passes the gate.
        """
        run = ShardAccount(seed, shard)
        wanted = self.settings.cells_per_shard
        solids = self.shape(run, range(wanted))
        kept = len(solids)
        run.counts["cells_dropped"] = wanted - kept
        if kept < self.settings.gate.min_kept * wanted:
            raise ShardFailure(f"only {kept} of {wanted} cells passed the gate: {dict(run.counts)}")
        with run.timed("texture"):
            textures = self.paint(run, solids)
        cells = [self._cell(run, solid, texture) for solid, texture in zip(solids, textures, strict=True)]
        return SynthesisedShard(cells, dict(run.counts), dict(run.seconds))

    def shape(self, run: ShardAccount, items: Sequence[int]) -> list[Solid]:
        """Make the shapes of cells; what the gate refuses is drawn again, each time from a new mask.

        Parameters
        ----------
        run
            Account of the shard.
        items
            Numbers of the cells in the shard.

        Returns
        -------
        list of Solid
            The accepted shapes in the order of `items`; cells that the gate refused at every attempt are missing.
        """
        accepted: dict[int, Solid] = {}
        for attempt in range(self.settings.gate.max_attempts):
            pending = [item for item in items if item not in accepted]
            if not pending:
                break
            with run.timed("masks"):
                masks = self.masks.draw(run, pending, attempt)
            accepted |= self._solids(run, masks, attempt)
        # Cells that passed late stand behind: they are brought back into the order that was asked for.
        return [accepted[item] for item in items if item in accepted]

    def _solids(self, run: ShardAccount, masks: Mapping[int, Mask], attempt: int) -> dict[int, Solid]:
        if self.solids is None:
            return {item: Solid(item, attempt, mask[None]) for item, mask in masks.items()}
        return self.solids.make(run, masks, attempt)

    def paint(self, run: ShardAccount, solids: Sequence[Solid]) -> list[NDArray[np.float16]]:
        """Draw the textures of cells, in batches across cells.

        Parameters
        ----------
        run
            Account of the shard.
        solids
            Shapes of the cells.

        Returns
        -------
        list of numpy.ndarray
            Whole crops `(z, side, side)` in [0, 1] of every slice, per cell.
        """
        config, side = self.settings.texture, self.statistics.crop_side_px
        shape = self.texture.encoded_shape(config.resolution_px or side)
        slices, noise = [], []
        for solid in solids:
            # The same draw as `MaskDrawer` makes, for the brightness that belongs to this cell's area and solidity.
            brightness = self.statistics.table.draw(run.rng(Stage.CELL, solid.item, solid.attempt))["brightness"]
            heights = [relative_height(z, len(solid.mask)) for z in range(len(solid.mask))]
            slices += [
                Slice(centred(plane, side), height, brightness)
                for plane, height in zip(solid.mask, heights, strict=True)
            ]
            # Eq. 2: the slices of one cell share a part of their noise, which makes its texture go on along z. The
            # generator is the cell's own, so the noise does not depend on which cells are painted beside it.
            noise += list(slice_noise(run.rng(Stage.TEXTURE, solid.item), len(solid.mask), config.rho, *shape))
        painted = iter(paint(self.texture, slices, noise, config, self.settings.masks.truncation_px))
        run.counts["slices"] = len(slices)
        return [np.stack([next(painted) for _ in solid.mask]) for solid in solids]

    def _cell(self, run: ShardAccount, solid: Solid, texture: NDArray[np.float16]) -> Cell:
        """Trim the cell to its bounding box, its texture to that and the ring."""
        ring = self.settings.ring_px
        # Centred as in `paint`, so that mask and texture lie on each other.
        mask = np.stack([centred(plane, texture.shape[-1]) for plane in solid.mask])
        flat = mask.any(axis=0)
        spans = [np.flatnonzero(flat.any(axis=axis))[[0, -1]] for axis in (1, 0)]
        (y0, y1), (x0, x1) = ((int(first), int(last) + 1) for first, last in spans)
        mask = mask[:, y0:y1, x0:x1]
        # Never below 0: the limits of masks, and `sliced`, refuse cells whose ring would leave the crop.
        texture = texture[:, y0 - ring : y1 + ring, x0 - ring : x1 + ring]
        if self.statistics.dimensions == 2:
            mask, texture = mask[0], texture[0]
        key = list(seed_key(run.shard, Stage.MASK, solid.item, solid.attempt))
        # Copies: views would keep the whole crops of all cells in memory.
        return Cell(mask.copy(), texture.copy(), ring, {"seed_key": key, **solid.quality})


def open_cascade(bundle: str, config: Config, device: str) -> Cascade:
    """Open a bundle as a cascade, by its name and a whole configuration.

    Parameters
    ----------
    bundle
        A folder, or the name of a bundle that comes with the package.
    config
        All settings; what the weights fix is taken from the bundle.
    device
        `cpu` or `cuda`.

    Returns
    -------
    Cascade
        Ready to make shards.

    Raises
    ------
    InputError
        When the bundle is missing or damaged, or does not fit the settings.
    """
    opened = open_bundle(bundle)
    return Cascade(opened, CascadeSettings.of(resolve(config, opened.info)), device)


def centred(plane: Mask, side: int) -> Mask:
    """Put a mask into the middle of an empty square.

    Parameters
    ----------
    plane
        `(y, x)`, at most as large as the square.
    side
        Side of the square in pixels.

    Returns
    -------
    Mask
        `(side, side)`.
    """
    square = np.zeros((side, side), bool)
    y, x = ((side - n) // 2 for n in plane.shape)
    square[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
    return square
