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
from scipy.special import logsumexp

from raysynth.base.errors import InputError
from raysynth.config import PopulationConfig
from raysynth.preparation.statistics import FrameRecord, PopulationStatistics, Region

LEAST_SPREAD = 0.1  # of log size: cells closer than this to each other count as equally fitting
LIGHT_SPREAD = 0.25  # the same of log contrast
LEAST_LOG_WEIGHT = -30.0  # of a cell against the fittest
FITS = 3  # of sizes and contrasts in turn


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


def choose_cells(
    sizes: ArrayLike, contrasts: ArrayLike, wanted: ArrayLike, target: FrameTarget, rng: Generator
) -> NDArray[np.int64]:
    """Which of a shard's cells, of given sizes in voxels and contrasts `(m,)`, a frame uses: indices `(n,)`.

    wanted: contrasts of the frame's cells `(n,)`. Cells are never rescaled, and their light as little as can be: noise
    and edge of a cell go with its brightness, and a bright one that is dimmed keeps those of a bright one. So cells are
    weighted until their sizes follow the target's log-normal distribution and their contrasts those wanted, then
    resampled systematically in order of contrast: each is used its expected number of times, rounded, and none more
    than twice as often as equal use of all would ask for. In random order.
    """
    log_sizes, log_contrasts, log_wanted = (np.log(np.asarray(x, float)) for x in (sizes, contrasts, wanted))
    spread = max(target.record.size_spread, LEAST_SPREAD)
    size_aim = -0.5 * ((log_sizes - np.log(target.median_size)) / spread) ** 2
    light_aim = logsumexp(_log_kernel(log_contrasts, log_wanted, LIGHT_SPREAD), axis=1)
    alike = np.exp(_log_kernel(log_sizes, log_sizes, LEAST_SPREAD))
    alike_lit = np.exp(_log_kernel(log_contrasts, log_contrasts, LIGHT_SPREAD))
    weights = np.ones(len(log_sizes))
    for _ in range(FITS):  # each fit of one distribution shifts the other a little, as size and light correlate
        weights = _scaled(np.log(weights) + size_aim - np.log(_sums(alike, weights)))
        weights = _scaled(np.log(weights) + light_aim - np.log(_sums(alike_lit, weights)))
    order = np.argsort(log_contrasts, kind="stable")
    expected = _expected_uses(weights[order], len(log_wanted))
    chosen = np.searchsorted(np.cumsum(expected), np.arange(len(log_wanted)) + rng.random(), side="right")
    return rng.permutation(order[np.minimum(chosen, len(order) - 1)])


def _log_kernel(at: NDArray[np.float64], of: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Logarithm of a Gaussian kernel between all pairs of values `(at, of)`."""
    return -0.5 * ((at[:, None] - of) / width) ** 2


def _sums(kernel: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted sums of a kernel's rows. Unlike with `@`, their order does not depend on the number of threads."""
    return np.asarray(np.einsum("ij,j->i", kernel, weights))


def _scaled(log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of which the largest is 1 and none is 0: far cells still serve when the near ones are used up."""
    return np.exp(np.maximum(log_weights - log_weights.max(), LEAST_LOG_WEIGHT))


def _expected_uses(weights: NDArray[np.float64], uses: int) -> NDArray[np.float64]:
    """`uses` shared out in proportion to weights, at most twice the equal share (and at least one) to each."""
    limit = max(1.0, 2.0 * uses / len(weights))
    full = np.zeros(len(weights), bool)
    while True:
        left = uses - limit * full.sum()
        expected = np.where(full, limit, weights * left / max(weights[~full].sum(), 1e-300))
        over = expected > limit * (1 + 1e-9)
        if not over.any():
            return expected
        full |= over


def draw_contrasts(statistics: PopulationStatistics, target: FrameTarget, rng: Generator) -> NDArray[np.float64]:
    """Contrasts of a frame's cells `(n,)`, rising: the measured distribution moved to the target's mean and spread."""
    relative = statistics.cells.relative_intensity
    levels = np.array(relative.values)
    draws = relative.at(rng.random(target.cells))
    drawn = target.contrast + target.contrast_std * (draws - levels.mean()) / max(levels.std(), 1e-6)
    return np.sort(np.clip(drawn, *np.maximum(target.contrast * relative.at([0.01, 0.99]), 1.0)))


def deal(contrasts: NDArray[np.float64], own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rising `contrasts` dealt out in the order of cells' `own`: a cell brighter than another stays so."""
    dealt = np.empty(len(own))
    dealt[np.argsort(own, kind="stable")] = contrasts
    return dealt
