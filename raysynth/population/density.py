"""How many cells a frame has, how large, how bright and where: drawn jointly, one real frame's record at a time.

Counts and sizes depend on each other (on mouse embryos log count and log median volume correlate at -0.86), so a target
is a smoothed bootstrap: a real record with a little log-normal spread around each of its numbers. What the jointness is
worth can be seen without it (`population.density`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from raysynth.base.errors import InputError
from raysynth.config import PopulationConfig
from raysynth.preparation.statistics import FrameRecord, PopulationStatistics, Region


@dataclass(frozen=True)
class FrameTarget:
    """What one synthetic frame is to look like.

    Attributes
    ----------
    record
        What surrounds its cells, and how their sizes spread.
    region
        Region of support in the frame; None: the whole frame.
    cells
        How many cells it is to have.
    median_size
        Median of their sizes, in pixels or voxels.
    contrast, contrast_std
        Mean and spread over cells of the mean grey value above the background around them.
    """

    record: FrameRecord
    region: Region | None
    cells: int
    median_size: float
    contrast: float
    contrast_std: float


def draw_target(statistics: PopulationStatistics, population: PopulationConfig, rng: Generator) -> FrameTarget:
    """Draw a real frame's record and spread it by `population.smoothing`.

    Parameters
    ----------
    statistics
        The real population.
    population
        Settings: the frame's size, how records are drawn, whether jointly.
    rng
        Generator of this frame's density.

    Returns
    -------
    FrameTarget
        The count follows the size of the frame (or of its region of support); `population.cells` overrules it. Frames
        without cells are not drawn; with `population.draw` "cells", crowded ones are drawn the more often. Where
        `population.density` is independent, count, size, brightness and surroundings come from a record each: every
        one is distributed as before, but none depends on another.

    Raises
    ------
    InputError
        When no frame of the statistics has any cells.
    """
    # The order of the draws is part of the data format: one or four records, three normal values, a count.
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
    # Drawn whether or not the settings fix the count, so that fixing it leaves sizes and brightness as they were.
    count, size, light = np.exp(population.smoothing * rng.standard_normal(3))
    cells = max(1, round(_count(records[counted], population) * count))
    if population.cells is not None:
        cells = int(rng.integers(*population.cells, endpoint=True))
    median_size = records[sized].median_size * size
    # One grey value at least: cells darker than their background would get a negative gain.
    contrast = light * max(records[lit].intensity_mean - around_cells(records[lit]), 1.0)
    contrast_std = light * records[lit].intensity_std
    record = records[around].model_copy(update={"size_spread": records[sized].size_spread})
    return FrameTarget(record, frame_region(record, population), cells, median_size, contrast, contrast_std)


def _count(record: FrameRecord, population: PopulationConfig) -> float:
    """Count the cells of a record's frame, in the room that the synthetic frame has for them."""
    region, mode = frame_region(record, population), population.mode
    return record.cells * (_room(population.frame_px, region, mode) / _room(record.shape, record.region, mode))


def around_cells(record: FrameRecord) -> float:
    """Tell the background level between the cells.

    Parameters
    ----------
    record
        A real frame.

    Returns
    -------
    float
        Grey value; the region's own where there is one.
    """
    return record.background if record.region_background is None else record.region_background


def frame_region(record: FrameRecord, population: PopulationConfig) -> Region | None:
    """Find a synthetic frame's region of support.

    Parameters
    ----------
    record
        A real frame with its measured region.
    population
        Settings: the frame's size, and the region unless it is measured.

    Returns
    -------
    Region or None
        A measured one keeps its position relative to the frame's centre; None: the whole frame.
    """
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
