"""One frame from a shard's cells: which, where, how bright, and what lies between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Labels, Mask
from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.base.symmetries import symmetry
from raysynth.population.appearance import Appearance, photon_noise
from raysynth.population.background import draw_background, flat_background
from raysynth.population.blending import Painter, clip_box
from raysynth.population.cell import Cell
from raysynth.population.choice import choose_cells, deal, draw_contrasts
from raysynth.population.density import FrameTarget, draw_target
from raysynth.population.dilation import box_dilation
from raysynth.population.imaging import expose, lost_pixels, to_stored
from raysynth.population.placement import Placement, Rules, place
from raysynth.population.settings import CompositionSettings
from raysynth.population.variation import draw_variations
from raysynth.preparation.background import halo_reach
from raysynth.preparation.statistics import PopulationStatistics

Images = NDArray[Any]
"""Images in the type that they are stored in."""


@dataclass(frozen=True)
class CellUse:
    """One use of a cell in a frame.

    Attributes
    ----------
    cell
        Its index in the shard.
    variation
        Number of the symmetry that it is shown under.
    gain
        Factor of its light.
    """

    cell: int
    variation: int
    gain: float


@dataclass(frozen=True)
class ComposedFrame:
    """One frame ready to be written.

    Attributes
    ----------
    image
        `([z,] y, x)`, in the type that images are stored in.
    labels
        `([z,] y, x)`; placed uses are labelled 1 and up, in their order.
    uses
        The uses of cells that were asked for.
    placement
        Where they went.
    clipped
        Pixels that the stored type cuts off, as `lost_pixels` counts them.
    """

    image: Images
    labels: Labels
    uses: list[CellUse]
    placement: Placement
    clipped: int


class FrameComposer:
    """Composes single frames of one shard; what does not change from frame to frame is measured once.

    Parameters
    ----------
    cells
        The shard's cells.
    statistics
        The real population.
    settings
        The settings of composition.
    seed
        Seed of the data set.
    shard
        Number of the shard.

    Raises
    ------
    InputError
        Without any cell.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        statistics: PopulationStatistics,
        settings: CompositionSettings,
        seed: int,
        shard: int,
    ) -> None:
        if not cells:
            raise InputError(
                f"shard {shard} has no cells to compose: lower gate.min_iou or raise generate.cells_per_shard"
            )
        self.cells, self.statistics, self.settings = cells, statistics, settings
        self.seed, self.shard = seed, shard
        self.dtype = settings.stored_dtype(statistics.dtype)
        voxel = statistics.voxel_um
        self.z_scale = voxel[0] / voxel[-1] if voxel is not None and len(voxel) == 3 else 1.0
        # Once per cell and shard: distance transforms take far longer than a use of the cell in a frame.
        self.appearances = [Appearance.of(cell, statistics.intensity, statistics.edge, self.z_scale) for cell in cells]
        self.photons = photon_noise(self.appearances)
        self.sizes = np.array([cell.mask.sum() for cell in cells])
        # One grey value is the least contrast a gain is measured against: an empty texture stays empty.
        self.contrasts = np.array([max(one.contrast, 1.0) for one in self.appearances])

    def frame(self, index: int) -> ComposedFrame:
        """Compose one frame.

        Parameters
        ----------
        index
            Number of the frame in the data set.

        Returns
        -------
        ComposedFrame
            Image and labels, and how they came about. It does not depend on other frames.
        """
        population = self.settings.population
        target = draw_target(self.statistics, population, self._rng(Stage.DENSITY, index))
        uses = self._uses(target, index)
        masks = [symmetry(self.cells[use.cell].mask, use.variation) for use in uses]
        rules = Rules(
            clustering=population.clustering,
            gap_px=population.gap_px,
            region=target.region,
            plane=population.mode == "plane",
            border_cut=population.border_cut,
            z_scale=self.z_scale,
        )
        # A stream of its own for each stage: other settings of the image leave cells and places as they are.
        placement = place(masks, population.frame_px, rules, self._rng(Stage.PLACEMENT, index))
        labels = paint_labels(masks, placement, population.frame_px)
        image, clipped = self._image(target, uses, placement, labels, index)
        return ComposedFrame(image, labels, uses, placement, clipped)

    def _uses(self, target: FrameTarget, index: int) -> list[CellUse]:
        """Choose the cells of a frame, each use with its own symmetry and the gain that gives it its brightness."""
        rng = self._rng(Stage.VARIATION, index)
        # Contrasts, cells, symmetries: the order of the draws from one stream is part of the data format.
        contrasts = draw_contrasts(self.statistics, target, rng)
        chosen = choose_cells(self.sizes, self.contrasts, contrasts, target, rng)
        gains = deal(contrasts, self.contrasts[chosen]) / self.contrasts[chosen]
        variations = draw_variations(chosen.tolist(), rng)
        return [CellUse(*use) for use in zip(chosen.tolist(), variations.tolist(), gains.tolist(), strict=True)]

    def _image(
        self, target: FrameTarget, uses: list[CellUse], placement: Placement, labels: Labels, index: int
    ) -> tuple[Images, int]:
        """Paint the image of a frame, and count its pixels that the stored type cuts off."""
        rng = self._rng(Stage.IMAGING, index)
        statistics, imaging, frame_px = self.statistics, self.settings.imaging, self.settings.population.frame_px
        painter = Painter(labels, self.photons)
        for label, i in enumerate(np.flatnonzero(placement.placed), start=1):
            appearance = self.appearances[uses[i].cell].turned(uses[i].variation)
            painter.add(appearance, uses[i].gain, label, placement.offsets[i])
        background = (
            draw_background(target, statistics.noise, painter.halo, self._clear(labels), self.z_scale, rng)
            if imaging.background
            else flat_background(target, frame_px)
        )
        frame = expose(painter.frame(background), imaging, statistics.voxel_um, statistics.intensity.low, rng)
        return to_stored(frame, self.dtype), lost_pixels(frame, statistics.dtype, self.dtype)

    def _clear(self, labels: Labels) -> Mask:
        """Find voxels as far from cells as those where the real background was measured; if none are, all outside."""
        reach = halo_reach(self.statistics.crop_side_px)
        # One slice up and down, as for the real background. In the plane a box is faster than a disc, and never nearer.
        clear = ~box_dilation(labels > 0, (1, reach, reach)[-labels.ndim :])
        return clear if clear.any() else labels == 0

    def _rng(self, stage: Stage, index: int) -> np.random.Generator:
        return generator(self.seed, self.shard, stage, index)


def paint_labels(masks: Sequence[Mask], placement: Placement, frame_px: Sequence[int]) -> Labels:
    """Draw the labels of a frame.

    Parameters
    ----------
    masks
        Masks of the cells, as they were placed.
    placement
        Where they went.
    frame_px
        Shape of the frame.

    Returns
    -------
    Labels
        Placed cells are labelled 1 and up, in order.
    """
    labels = np.zeros(frame_px, np.uint32)
    for label, i in enumerate(np.flatnonzero(placement.placed), start=1):
        here, there = clip_box(placement.offsets[i], masks[i].shape, labels.shape)
        labels[here][masks[i][there]] = label
    return labels
