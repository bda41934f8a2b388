"""Prepared data of a configuration: `raysynth prepare` made them before."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.preparation.prepared import Prepared


def load_prepared(config: Config) -> Prepared:
    """Read the crops and statistics of a configuration.

    Parameters
    ----------
    config
        Names the folder and the number of training cells that are kept.

    Returns
    -------
    Prepared
        Both splits and the statistics.
    """
    return Prepared.load(Places.of(config).prepared, config.crops.limit, config.crops.limit_seed)


def crop_table(config: Config, split: str) -> pa.Table:
    """Read the table of a split's crops, one row per crop.

    Parameters
    ----------
    config
        Names the folder.
    split
        `train` or `validation`.

    Returns
    -------
    Table
        Frame, label and measures of the cell in each crop.
    """
    return pq.read_table(Path(Places.of(config).prepared, split, "cells.parquet"))
