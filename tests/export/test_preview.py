from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysynth.base.arrays import Mask
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.export.preview import write_preview
from raysynth.store.dataset import create_dataset, finalise
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.writer import write_shard
from tests.fixtures.datasets import MakeManifest, Write


def coloured(picture: Image.Image) -> Mask:
    """Columns that hold any saturated pixel."""
    pixels = np.asarray(picture).astype(int)
    return (np.ptp(pixels, axis=2) > 60).any(axis=0)


def test_outlines_stand_beside_the_plain_image(tmp_path: Path, write: Write, any_spec: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", any_spec)
    report = write_preview(dataset, tmp_path / "new" / "x.png", frames=2)
    assert report.to_json() == {"picture": str(tmp_path / "new" / "x.png"), "frames": [0, dataset.present[-1]]}
    columns = coloured(Image.open(tmp_path / "new" / "x.png"))
    assert columns[len(columns) // 2 :].any()
    assert not columns[: len(columns) // 2].any()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.png"]


def test_only_finished_frames_are_shown(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    assert write_preview(write(tmp_path / "x.zarr", spec, shards=[1]), str(tmp_path / "x.png")).frames == [2, 3]


def test_frames_without_cells_are_drawn(tmp_path: Path, spec_2d: DatasetSpec, manifest: MakeManifest) -> None:
    objects = Objects(tmp_path)
    create_dataset(objects, manifest(spec_2d))
    dark = np.zeros((1, *spec_2d.frame_shape), np.uint8)
    write_shard(objects, spec_2d, 1, dark, dark.astype(np.uint32), {"frame": [], "label": []}, {})
    finalise(objects)
    assert write_preview(Dataset(tmp_path), tmp_path / "x.png").frames == [2]
    assert not coloured(Image.open(tmp_path / "x.png")).any()


def test_nothing_to_show_and_nowhere_to_write_are_named(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    with pytest.raises(InputError, match="no finished frame to show"):
        write_preview(write(tmp_path / "x.zarr", spec, shards=[]), tmp_path / "x.png")
    with pytest.raises(InputError, match="at least one"):
        write_preview(write(tmp_path / "x.zarr", spec), tmp_path / "x.png", frames=0)
    with pytest.raises(InputError, match="cannot be written"):
        write_preview(write(tmp_path / "x.zarr", spec), tmp_path / "x.zarr" / "manifest.json" / "x.png")
