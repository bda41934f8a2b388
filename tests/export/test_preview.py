from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysynth.base.errors import InputError
from raysynth.export.preview import preview
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.reader import Dataset
from raysynth.store.writer import write_shard


def coloured(picture: Image.Image) -> np.ndarray:
    """Columns that hold any saturated pixel."""
    pixels = np.asarray(picture).astype(int)
    return (np.ptp(pixels, axis=2) > 60).any(axis=0)


@pytest.mark.parametrize("which", ["spec", "spec_2d"])
def test_outlines_stand_beside_the_plain_image(
    tmp_path: Path, write, which: str, request: pytest.FixtureRequest
) -> None:
    dataset = write(tmp_path / "x.zarr", request.getfixturevalue(which))
    assert preview(dataset, tmp_path / "new" / "x.png", frames=2) == [0, dataset.present[-1]]
    columns = coloured(Image.open(tmp_path / "new" / "x.png"))
    assert columns[len(columns) // 2 :].any()
    assert not columns[: len(columns) // 2].any()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.png"]


def test_only_finished_frames_are_shown(tmp_path: Path, write, spec) -> None:
    assert preview(write(tmp_path / "x.zarr", spec, shards=[1]), tmp_path / "x.png") == [2, 3]


def test_frames_without_cells_are_drawn(tmp_path: Path, spec_2d, manifest) -> None:
    create_dataset(str(tmp_path), manifest(spec_2d))
    dark = np.zeros((1, *spec_2d.frame_shape), np.uint8)
    write_shard(str(tmp_path), spec_2d, 1, dark, dark.astype(np.uint32), {"frame": [], "label": []}, {})
    finalise(str(tmp_path))
    assert preview(Dataset(str(tmp_path)), tmp_path / "x.png") == [2]
    assert not coloured(Image.open(tmp_path / "x.png")).any()


def test_nothing_to_show_and_nowhere_to_write_are_named(tmp_path: Path, write, spec) -> None:
    with pytest.raises(InputError, match="no finished frame to show"):
        preview(write(tmp_path / "x.zarr", spec, shards=[]), tmp_path / "x.png")
    with pytest.raises(InputError, match="cannot be written"):
        preview(write(tmp_path / "x.zarr", spec), tmp_path / "x.zarr" / "manifest.json" / "x.png")
