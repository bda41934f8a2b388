from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.config import DataConfig
from raysynth.data.folders import folder_frames


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for name in ("B_2", "A_1"):
            tifffile.imwrite(tmp_path / folder / f"{name}.tif", np.ones((4, 5), np.uint8))
    return tmp_path


def settings(root: Path, **changes: Any) -> DataConfig:
    return DataConfig(root=str(root), layout="pairs", dimensions=2, **changes)


def test_frames_by_name_and_group(root: Path) -> None:
    frames = folder_frames(settings(root, group_pattern="([AB])_"))
    assert [(f.group, f.time, f.image.name) for f in frames] == [("A", 0, "A_1.tif"), ("B", 1, "B_2.tif")]
    assert {f.group for f in folder_frames(settings(root))} == {"all"}


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_every_file_needs_its_partner(root: Path, folder: str) -> None:
    (root / folder / "B_2.tif").unlink()
    with pytest.raises(InputError, match=rf"B_2\.tif has no file of the same name in .*{folder}"):
        folder_frames(settings(root))


def test_missing_folder_names_the_setting(root: Path) -> None:
    with pytest.raises(InputError, match=r"data\.mask_folder"):
        folder_frames(settings(root, mask_folder="labels"))


def test_group_pattern_that_finds_nothing(root: Path) -> None:
    with pytest.raises(InputError, match="finds no group in A_1"):
        folder_frames(settings(root, group_pattern="(X)"))
