import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.preparation.prepared import Prepared, load_statistics
from tests.fixtures.training import prepared_folder


@pytest.fixture
def folder(trainable: Config) -> Path:
    return prepared_folder(trainable)


def test_crops_come_with_what_the_networks_are_conditioned_on(folder: Path) -> None:
    prepared = Prepared.load(folder)
    crops = prepared.train
    assert crops.side_px == 16
    assert len(crops.images) == len(crops.masks) == len(crops.heights) == len(crops.brightness) == 24
    assert len(crops.outlines) == len(crops.areas) == len(crops.solidities) == 24
    assert (np.diff(crops.areas) >= 0).all()  # the discs grow
    assert crops.brightness[0] < 0 < crops.brightness[-1]
    assert len(prepared.validation.images) == 8
    assert prepared.statistics == load_statistics(folder)


def test_crops_are_mapped_and_not_read(folder: Path) -> None:
    assert isinstance(Prepared.load(folder).train.images, np.memmap)


def test_a_limit_keeps_whole_cells_of_the_training_split(folder: Path) -> None:
    some, others = (Prepared.load(folder, 5, seed) for seed in (0, 1))
    assert len(some.train.images) == len(some.train.outlines) == 5
    np.testing.assert_array_equal(some.train.masks, some.train.outlines)
    assert not np.array_equal(some.train.outlines, others.train.outlines)
    assert len(some.validation.images) == 8


def test_a_limit_above_all_cells_keeps_all(folder: Path) -> None:
    limited = Prepared.load(folder, limit=999).train.images
    np.testing.assert_array_equal(limited, Prepared.load(folder).train.images)


def test_a_folder_of_an_older_version_is_refused(folder: Path) -> None:
    path = folder / "train" / "cells.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["brightness"]), path)
    with pytest.raises(InputError, match="older raysynth: run `raysynth prepare` with this config again"):
        Prepared.load(folder)


@pytest.mark.parametrize("missing", ["statistics.json", "train/images.npy", "validation/outlines.parquet"])
def test_what_is_missing_is_named_in_one_sentence(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(InputError, match=re.escape(f"{folder / missing} is missing: run `raysynth prepare`")):
        Prepared.load(folder)


def test_a_split_without_cells_is_refused(folder: Path) -> None:
    np.save(folder / "validation" / "outlines.npy", np.zeros((0, 0, 0), bool))
    with pytest.raises(InputError, match="validation holds no crops"):
        Prepared.load(folder)
