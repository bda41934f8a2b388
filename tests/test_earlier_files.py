"""Files that an earlier commit wrote open, and work is resumed on them: `recorded/files-0.1.zip`.

It holds what version 0.1.0 made of six small frames: prepared crops, a checkpoint of half a training, a bundle with its
texture model, a data set of two frames, the bank of its cells, and two frames composed from that.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest

import raysynth
from bench.tools.digests import draw_frames
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.preparation.prepared import Prepared

OPTIONS = [
    "bundle=nuclei-2d",
    "generate.frames_per_shard=1",
    "generate.cells_per_shard=4",
    "masks.batch=4",
    "population.cells=[2, 3]",
]


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the earlier commands ran, with their files."""
    with zipfile.ZipFile(Path(__file__).parent / "recorded" / "files-0.1.zip") as files:
        files.extractall(tmp_path)
    draw_frames(tmp_path / "drawn-2d", 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(*overrides: str) -> Config:
    """The earlier configuration."""
    return raysynth.load("config.yaml", overrides)


@pytest.mark.usefixtures("earlier")
def test_prepared_crops_and_statistics_are_read() -> None:
    prepared = Prepared.load(Places.of(load()).prepared)
    assert len(prepared.train.images) == len(prepared.train.masks) > 0
    assert prepared.statistics.crop_side_px == prepared.train.side_px


def test_half_a_training_is_resumed(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = raysynth.fit(load(), "masks")
    assert report.to_json()["masks"]["held_out_loss"] > 0
    shown = capsys.readouterr().out
    assert "step 10" in shown
    assert "damaged" not in shown
    assert [path.name for path in (earlier / "workspace/drawn-2d/training/masks/checkpoints").iterdir()] == [
        "step-00000010.pt"
    ]


def test_the_bundle_opens(earlier: Path) -> None:
    bundle = open_bundle(str(earlier / "workspace" / "drawn-2d" / "bundle"))
    assert bundle.info.name == "drawn-2d"
    assert bundle.info.structure["texture"]["channels"] == [8, 16]
    assert sum(parameter.numel() for parameter in bundle.texture.parameters()) > 0


def test_the_data_set_opens_and_is_valid(earlier: Path) -> None:
    dataset = raysynth.open(earlier / "set.zarr")
    assert len(dataset) == 2
    assert np.unique(dataset.labels(0)).size > 1
    assert raysynth.verify(dataset).ok


@pytest.mark.usefixtures("cluster")
def test_the_data_set_is_extended_with_the_cells_it_would_have_had(earlier: Path) -> None:
    before = [raysynth.open(earlier / "set.zarr").image(frame) for frame in range(2)]
    summary = raysynth.generate(load(*OPTIONS), frames=3)
    assert not summary.failed
    dataset = raysynth.open(earlier / "set.zarr")
    assert len(dataset) == 3
    for frame in range(2):
        np.testing.assert_array_equal(dataset.image(frame), before[frame])
    assert raysynth.verify(dataset).ok


@pytest.mark.usefixtures("cluster")
def test_the_bank_is_composed_to_the_same_frames(earlier: Path) -> None:
    summary = raysynth.generate(load(*OPTIONS), out=earlier / "again.zarr", frames=2, cells=earlier / "bank")
    assert not summary.failed
    before, again = raysynth.open(earlier / "composed.zarr"), raysynth.open(earlier / "again.zarr")
    for frame in range(2):
        np.testing.assert_array_equal(again.labels(frame), before.labels(frame))
        # Other processors round otherwise, by a grey value at most.
        np.testing.assert_allclose(again.image(frame).astype(int), before.image(frame).astype(int), atol=1)
