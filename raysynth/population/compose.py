"""Frames from cells: the CPU half of generation, a pure function of its arguments."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.base.symmetries import symmetry
from raysynth.config import Config
from raysynth.population.background import draw_background, flat_background
from raysynth.population.blending import Appearance, Painter, clip_box, photon_noise
from raysynth.population.cell import Cell
from raysynth.population.density import FrameTarget, choose_cells, deal, draw_contrasts, draw_target
from raysynth.population.dilation import box_dilation
from raysynth.population.imaging import image
from raysynth.population.placement import Placement, Rules, place
from raysynth.population.variation import draw_variations
from raysynth.preparation.background import halo_reach
from raysynth.preparation.statistics import PopulationStatistics

Labels = NDArray[np.uint32]
Images = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Use:
    """One use of a cell in a frame: which cell, under which symmetry, at which gain."""

    cell: int
    variation: int
    gain: float


@dataclass(frozen=True)
class ComposedShard:
    """Frames ready to be written.

    images, labels: `(frames, [z,] y, x)`. rows: what the cell table says beyond the labels, one entry per placed cell.
    counts: cells asked for, placed, clustered (next to another) and dropped (no place found), and the reuse factor:
    uses per cell of the shard.
    """

    images: Images
    labels: Labels
    rows: dict[str, list[object]]
    counts: dict[str, float]


class Composer:
    """Composes single frames of one shard; what does not change from frame to frame is measured once."""

    def __init__(
        self, cells: Sequence[Cell], statistics: PopulationStatistics, config: Config, seed: int, shard: int
    ) -> None:
        if not cells:
            raise InputError(
                f"shard {shard} has no cells to compose: lower gate.min_iou or raise generate.cells_per_shard"
            )
        self.cells, self.statistics, self.config = cells, statistics, config
        self.seed, self.shard = seed, shard
        voxel = statistics.voxel_um
        self.z_scale = voxel[0] / voxel[-1] if voxel is not None and len(voxel) == 3 else 1.0
        self.looks = [Appearance.of(cell, statistics.intensity, statistics.edge, self.z_scale) for cell in cells]
        self.photons = photon_noise(self.looks)
        self.sizes = np.array([cell.mask.sum() for cell in cells])
        # One grey value is the least contrast a gain is measured against: an empty texture stays empty.
        self.contrasts = np.array([max(look.contrast, 1.0) for look in self.looks])

    def frame(self, index: int) -> tuple[Images, Labels, list[Use], Placement]:
        """Compose frame `index` of the data set: image, labels (1..n in the order of placed uses), uses, placement."""
        population = self.config.population
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
        placement = place(masks, population.frame_px, rules, self._rng(Stage.PLACEMENT, index))
        labels = paint_labels(masks, placement, population.frame_px)
        return self._image(target, uses, placement, labels, index), labels, uses, placement

    def _uses(self, target: FrameTarget, index: int) -> list[Use]:
        """The cells of a frame, each use with its own symmetry and the gain that gives it its brightness."""
        rng = self._rng(Stage.VARIATION, index)
        contrasts = draw_contrasts(self.statistics, target, rng)
        chosen = choose_cells(self.sizes, self.contrasts, contrasts, target, rng)
        gains = deal(contrasts, self.contrasts[chosen]) / self.contrasts[chosen]
        variations = draw_variations(chosen.tolist(), rng)
        return [Use(*use) for use in zip(chosen.tolist(), variations.tolist(), gains.tolist(), strict=True)]

    def _image(self, target: FrameTarget, uses: list[Use], placement: Placement, labels: Labels, index: int) -> Images:
        rng = self._rng(Stage.IMAGING, index)
        statistics, imaging, frame_px = self.statistics, self.config.imaging, self.config.population.frame_px
        painter = Painter(labels, self.photons)
        for label, i in enumerate(np.flatnonzero(placement.placed), start=1):
            look = self.looks[uses[i].cell].turned(uses[i].variation)
            painter.add(look, uses[i].gain, label, placement.offsets[i])
        background = (
            draw_background(target, statistics.noise, painter.halo, self._clear(labels), self.z_scale, rng)
            if imaging.background
            else flat_background(target, frame_px)
        )
        frame = painter.frame(background)
        return image(frame, imaging, statistics.voxel_um, statistics.intensity.low, np.dtype(statistics.dtype), rng)

    def _clear(self, labels: Labels) -> NDArray[np.bool_]:
        """Voxels as far from cells as those where the real background was measured; all outside if there are none."""
        reach = halo_reach(self.statistics.crop_side_px)
        clear = ~box_dilation(labels > 0, (1, reach, reach)[-labels.ndim :])
        return clear if clear.any() else labels == 0

    def _rng(self, stage: Stage, index: int) -> np.random.Generator:
        return generator(self.seed, self.shard, stage, index)


def paint_labels(masks: Sequence[NDArray[np.bool_]], placement: Placement, frame_px: Sequence[int]) -> Labels:
    """Labels of a frame: placed cells get 1..n in order."""
    labels = np.zeros(frame_px, np.uint32)
    for label, i in enumerate(np.flatnonzero(placement.placed), start=1):
        here, there = clip_box(placement.offsets[i], masks[i].shape, labels.shape)
        labels[here][masks[i][there]] = label
    return labels


def compose_shard(
    cells: Sequence[Cell], statistics: PopulationStatistics, config: Config, seed: int, shard: int, frames: range
) -> ComposedShard:
    """Compose the frames of one shard from its cells.

    frames: their indices in the data set. Equal arguments give equal bytes. Raises InputError without any cell.
    """
    composer = Composer(cells, statistics, config, seed, shard)
    images, labels = [], []
    rows: dict[str, list[object]] = {
        name: [] for name in ("frame", "label", "source_cell", "seed_key", "variation", "gain")
    }
    asked = placed = clustered = 0
    for index in frames:
        frame_image, frame_labels, uses, placement = composer.frame(index)
        images.append(frame_image)
        labels.append(frame_labels)
        asked, placed = asked + len(uses), placed + int(placement.placed.sum())
        clustered += int(placement.clustered.sum())
        kept = [use for use, here in zip(uses, placement.placed, strict=True) if here]
        for label, use in enumerate(kept, start=1):
            row = (
                index,
                label,
                use.cell,
                json.dumps(cells[use.cell].provenance.get("seed_key")),
                use.variation,
                use.gain,
            )
            for name, value in zip(rows, row, strict=True):
                rows[name].append(value)
    counts = {"asked": asked, "placed": placed, "clustered": clustered, "dropped": asked - placed}
    return ComposedShard(np.stack(images), np.stack(labels), rows, {**counts, "reuse": placed / len(cells)})
