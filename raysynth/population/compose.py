"""The frames of a shard from its cells: the CPU half of generation, a pure function of its arguments."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raysynth.base.arrays import Labels
from raysynth.population.cell import Cell
from raysynth.population.frame_composer import ComposedFrame, FrameComposer, Images
from raysynth.population.settings import CompositionSettings
from raysynth.preparation.statistics import PopulationStatistics


@dataclass(frozen=True)
class ComposedShard:
    """Frames ready to be written.

    Attributes
    ----------
    images, labels
        `(frames, [z,] y, x)`.
    rows
        Columns of what the cell table has beyond the labels, one entry per placed cell.
    counts
        Uses of cells that were asked for, placed, clustered (next to another) and dropped (no room was found).
    clipped
        Pixels that the stored type cuts off.
    """

    images: Images
    labels: Labels
    rows: dict[str, list[Any]]
    counts: dict[str, int]
    clipped: int


def compose_shard(
    cells: Sequence[Cell],
    statistics: PopulationStatistics,
    settings: CompositionSettings,
    seed: int,
    shard: int,
    frames: range,
) -> ComposedShard:
    """Compose the frames of one shard from its cells. Equal arguments give equal bytes.

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
    frames
        Numbers of its frames in the data set.

    Returns
    -------
    ComposedShard
        The frames.

    Raises
    ------
    InputError
        Without any cell.
    """
    composer = FrameComposer(cells, statistics, settings, seed, shard)
    made = [composer.frame(index) for index in frames]
    asked = sum(len(frame.uses) for frame in made)
    placed = sum(int(frame.placement.placed.sum()) for frame in made)
    clustered = sum(int(frame.placement.clustered.sum()) for frame in made)
    return ComposedShard(
        np.stack([frame.image for frame in made]),
        np.stack([frame.labels for frame in made]),
        _rows(cells, frames, made),
        {"asked": asked, "placed": placed, "clustered": clustered, "dropped": asked - placed},
        sum(frame.clipped for frame in made),
    )


def _rows(cells: Sequence[Cell], frames: range, made: Sequence[ComposedFrame]) -> dict[str, list[Any]]:
    """List one entry per placed cell in every column."""
    names = ("frame", "label", "source_cell", "seed_key", "variation", "gain")
    rows: dict[str, list[Any]] = {name: [] for name in names}
    for index, frame in zip(frames, made, strict=True):
        kept = [use for use, here in zip(frame.uses, frame.placement.placed, strict=True) if here]
        # Labels are given to placed uses in order, as `paint_labels` and the painter do; all three must agree.
        for label, use in enumerate(kept, start=1):
            # As text: a column of lists would make the table's type depend on whether a cell has a key.
            key = json.dumps(cells[use.cell].provenance.get("seed_key"))
            row = (index, label, use.cell, key, use.variation, use.gain)
            for name, value in zip(names, row, strict=True):
                rows[name].append(value)
    return rows
