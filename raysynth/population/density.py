"""How many cells a frame has, how large, how bright and where: drawn jointly, one real frame's record at a time.

Counts and sizes depend on each other (on mouse embryos log count and log median volume correlate at -0.86), so a target
is a smoothed bootstrap: a real record with a little log-normal spread around each of its numbers. What the jointness is
worth can be seen without it (`population.density`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from raysynth.config import PopulationConfig
from raysynth.data.statistics import FrameRecord, PopulationStatistics, Region
from raysynth.errors import InputError

LEAST_SPREAD = 0.1  # of log size: cells closer than this to each other count as equally fitting
GAIN_SPREAD = 0.5  # of log gain: cells are the less fitting the more their light would have to be scaled


@dataclass(frozen=True)
class FrameTarget:
    """What one synthetic frame is to look like.

    record: what surrounds its cells, and how their sizes spread.
    contrast, contrast_std: mean and spread over cells of the mean grey value above the background around them.
    """

    record: FrameRecord
    region: Region | None
    cells: int
    median_size: float
    contrast: float
    contrast_std: float


def draw_target(statistics: PopulationStatistics, population: PopulationConfig, rng: Generator) -> FrameTarget:
    """Draw a real frame's record and spread it by `population.smoothing`.

    The count follows the size of the frame (or of its region of support); `population.cells` overrules it. Frames
    without cells are not drawn; with `population.draw` "cells", crowded ones are drawn the more often. Where
    `population.density` is independent, count, size, brightness and surroundings come from a record each: every one is
    distributed as before, but none depends on another.
    """
    records = [record for record in statistics.frames if record.cells > 0]
    if not records:
        raise InputError(
            "the population statistics have no frame with cells: prepare the data again with labelled frames"
        )
    draws = 4 if population.density == "independent" else 1
    if population.draw == "cells":
        cells_of = np.array([record.cells for record in records], float)
        drawn = rng.choice(len(records), size=draws, p=cells_of / cells_of.sum())
    else:
        drawn = rng.integers(len(records), size=draws)
    counted, sized, lit, around = np.broadcast_to(drawn, 4)
    count, size, light = np.exp(population.smoothing * rng.standard_normal(3))
    cells = max(1, round(_count(records[counted], population) * count))
    if population.cells is not None:
        cells = int(rng.integers(*population.cells, endpoint=True))
    median_size = records[sized].median_size * size
    contrast = light * max(records[lit].intensity_mean - around_cells(records[lit]), 1.0)
    contrast_std = light * records[lit].intensity_std
    record = records[around].model_copy(update={"size_spread": records[sized].size_spread})
    return FrameTarget(record, frame_region(record, population), cells, median_size, contrast, contrast_std)


def _count(record: FrameRecord, population: PopulationConfig) -> float:
    """The cells of a record's frame, in the room that the synthetic frame has for them."""
    region, mode = frame_region(record, population), population.mode
    return record.cells * (_room(population.frame_px, region, mode) / _room(record.shape, record.region, mode))


def around_cells(record: FrameRecord) -> float:
    """The background level between the cells: the region's own where there is one."""
    return record.background if record.region_background is None else record.region_background


def frame_region(record: FrameRecord, population: PopulationConfig) -> Region | None:
    """The frame's region of support; the measured one keeps its place relative to the frame's centre."""
    frame = np.array(population.frame_px)
    if population.region == "none":
        return None
    if population.region != "measured":
        return Region(centre_px=tuple(((frame - 1) / 2).tolist()), semi_axes_px=population.region)
    if record.region is None:
        return None
    centre = np.array(record.region.centre_px) + (frame - np.array(record.shape)) / 2
    return record.region.model_copy(update={"centre_px": tuple(centre.tolist())})


def _room(shape: Sequence[int], region: Region | None, mode: str) -> float:
    """Pixels in which cells may lie; cells on a plane share its area, not the volume above it."""
    if mode == "plane":
        shape = shape[-2:]
        region = region and Region(centre_px=region.centre_px[-2:], semi_axes_px=region.semi_axes_px[-2:])
    return float(np.prod(shape)) if region is None else float(max(region.inside(shape).sum(), 1))


def choose_cells(sizes: ArrayLike, contrasts: ArrayLike, target: FrameTarget, rng: Generator) -> NDArray[np.int64]:
    """Which of a shard's cells, of given sizes in voxels and contrasts `(m,)`, a frame uses: indices `(target.cells,)`.

    Cells are never rescaled. They are weighted by the log-normal size distribution of the target frame over the
    distribution of `sizes`, and by how little gain they need, then resampled systematically: each is used its expected
    number of times, rounded, and none more than twice as often as equal use of all would ask for. In random order.
    """
    log_sizes = np.log(np.asarray(sizes, float))
    spread = max(target.record.size_spread, LEAST_SPREAD)
    wanted = -0.5 * ((log_sizes - np.log(target.median_size)) / spread) ** 2
    wanted -= 0.5 * (np.log(np.asarray(contrasts, float) / target.contrast) / GAIN_SPREAD) ** 2
    apart = (log_sizes[:, None] - log_sizes) / LEAST_SPREAD
    crowding = np.exp(-0.5 * apart**2).sum(axis=1)
    weights = np.exp(wanted - wanted.max()) / crowding
    expected = _expected_uses(weights, target.cells)
    chosen = np.searchsorted(np.cumsum(expected), np.arange(target.cells) + rng.random(), side="right")
    return rng.permutation(np.minimum(chosen, len(log_sizes) - 1))


def _expected_uses(weights: NDArray[np.float64], uses: int) -> NDArray[np.float64]:
    """`uses` shared out in proportion to weights, at most twice the equal share (and at least one) to each."""
    limit = max(1.0, 2.0 * uses / len(weights))
    weights = np.maximum(weights, 1e-12 * weights.max())  # far cells still serve when the near ones are used up
    full = np.zeros(len(weights), bool)
    while True:
        left = uses - limit * full.sum()
        expected = np.where(full, limit, weights * left / max(weights[~full].sum(), 1e-300))
        over = expected > limit * (1 + 1e-9)
        if not over.any():
            return expected
        full |= over


def draw_contrasts(
    own: NDArray[np.float64], statistics: PopulationStatistics, target: FrameTarget, rng: Generator
) -> NDArray[np.float64]:
    """Contrasts `(n,)` of a frame's cells, given their `own`: the measured distribution moved to the target's mean and
    spread, dealt out in order of brightness, so that a cell brighter than another stays so and gains stay small."""
    relative = statistics.cells.relative_intensity
    levels = np.array(relative.values)
    draws = relative.at(rng.random(len(own)))
    drawn = target.contrast + target.contrast_std * (draws - levels.mean()) / max(levels.std(), 1e-6)
    drawn = np.clip(drawn, *(target.contrast * relative.at([0.01, 0.99])))
    contrasts = np.empty(len(own))
    contrasts[np.argsort(own, kind="stable")] = np.sort(drawn)
    return contrasts
