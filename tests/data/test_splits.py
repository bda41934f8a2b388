from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.errors import InputError
from raysynth.config import DataConfig, SplitConfig
from raysynth.data.splits import split_frames


def settings(root: Path, **split: Any) -> DataConfig:
    return DataConfig(
        root=str(root),
        layout="pairs",
        dimensions=2,
        group_pattern=r"([A-Z]\d+)_",
        split=SplitConfig.model_validate({"by": "group"} | split),
    )


@pytest.fixture(scope="module")
def wells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("wells")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
        for well in range(10):
            for site in range(2):
                (root / folder / f"W{well}_s{site}.tif").touch()
    return root


@given(validation=st.floats(0.05, 0.4), test=st.floats(0, 0.4))
def test_groups_are_disjoint_complete_and_repeatable(wells: Path, validation: float, test: float) -> None:
    data = settings(wells, validation_fraction=validation, test_fraction=test)
    splits = split_frames(data)
    parts = [{f.group for f in part} for part in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 10
    assert len(parts[1]) == np.ceil(validation * 10)
    assert split_frames(data) == splits


def test_named_groups_are_taken(wells: Path) -> None:
    splits = split_frames(settings(wells, train=("W1", "W2"), validation=("W3",), test=("W4",)))
    assert [f.name for f in splits.train] == ["W1/W1_s0", "W1/W1_s1", "W2/W2_s0", "W2/W2_s1"]
    assert {f.group for f in splits.validation} == {"W3"}
    assert {f.group for f in splits.test} == {"W4"}


def test_an_unknown_group_is_named(wells: Path) -> None:
    with pytest.raises(InputError, match="'W99'"):
        split_frames(settings(wells, train=("W99",)))


def test_regions_share_the_width(wells: Path) -> None:
    splits = split_frames(settings(wells, by="region", validation_fraction=0.25, test_fraction=0.25))
    assert [part[0].window for part in (splits.train, splits.validation, splits.test)] == [
        (0.0, 0.5),
        (0.5, 0.75),
        (0.75, 1.0),
    ]


def test_sequences_validate_on_their_later_frames(ctc_root: Path) -> None:
    split = SplitConfig(train=("01",), test=("02",), validation_fraction=0.3)
    data = DataConfig(root=str(ctc_root), dimensions=2, split=split)
    splits = split_frames(data)
    assert [f.time for f in splits.train] == [0, 1]
    assert [f.time for f in splits.validation] == [2]
    assert {f.group for f in splits.test} == {"02"}


@given(count=st.integers(1, 30))
def test_fewer_training_frames_are_evenly_spaced_and_leave_the_other_parts_alone(wells: Path, count: int) -> None:
    whole, few = (split_frames(settings(wells, train_frames=n)) for n in (None, count))
    assert len(few.train) == min(count, len(whole.train))
    assert few.train[0] == whole.train[0]
    assert set(few.train) <= set(whole.train)
    assert (few.validation, few.test) == (whole.validation, whole.test)
