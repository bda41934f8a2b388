from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.preparation.prepared import prepared_folder
from raysynth.train.crops import load_crops


def limited(config: Config, limit: int, seed: int = 0) -> Config:
    return config.model_copy(update={"crops": config.crops.model_copy(update={"limit": limit, "limit_seed": seed})})


def test_crops_come_with_what_the_networks_are_told(trainable: Config) -> None:
    crops = load_crops(trainable, "train")
    assert crops.side_px == 16
    assert len(crops.images) == len(crops.masks) == len(crops.heights) == len(crops.brightness) == 24
    assert len(crops.outlines) == len(crops.areas) == len(crops.solidities) == 24
    assert (np.diff(crops.areas) >= 0).all()  # the discs grow
    assert crops.brightness[0] < 0 < crops.brightness[-1]


def test_a_limit_keeps_whole_cells_of_the_training_part(trainable: Config) -> None:
    some, others = (load_crops(limited(trainable, 5, seed), "train") for seed in (0, 1))
    assert len(some.images) == len(some.outlines) == 5
    np.testing.assert_array_equal(some.masks, some.outlines)
    assert not np.array_equal(some.outlines, others.outlines)
    assert len(load_crops(limited(trainable, 5), "validation").images) == 8


def test_a_limit_above_all_cells_keeps_all(trainable: Config) -> None:
    np.testing.assert_array_equal(
        load_crops(limited(trainable, 999), "train").images, load_crops(trainable, "train").images
    )


def test_data_of_an_older_version_are_refused(trainable: Config) -> None:
    path = prepared_folder(trainable) / "train" / "cells.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["brightness"]), path)
    with pytest.raises(InputError, match="older raysynth: run `raysynth prepare` with this config again"):
        load_crops(trainable, "train")


def test_missing_data_are_said_in_one_sentence(trainable: Config, tmp_path: Path) -> None:
    elsewhere = trainable.model_copy(update={"workspace": str(tmp_path / "empty")})
    with pytest.raises(InputError, match="run `raysynth prepare`"):
        load_crops(elsewhere, "train")
