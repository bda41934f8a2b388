import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.preparation.prepare import prepare_data
from raysynth.preparation.prepare_report import PrepareReport, SplitCounts
from raysynth.preparation.statistics import PopulationStatistics
from tests.fixtures.frames import scene


def settings(root: Path, workspace: Path, dimensions: int = 2, **data: Any) -> Config:
    split = {"train": ["01"], "test": ["02"]}
    return Config.model_validate(
        {
            "name": "small",
            "workspace": str(workspace),
            "data": {"root": str(root), "dimensions": dimensions, "split": split} | data,
            "population": {"frame_px": (64,) * dimensions},
        }
    )


def folder_of(config: Config) -> Path:
    return Path(Places.of(config).prepared)


def run(config: Config) -> PrepareReport:
    return prepare_data(config.data, config.crops, config.shapes, folder_of(config))


@pytest.fixture(scope="module")
def prepared(ctc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PrepareReport, Path]:
    config = settings(ctc_root, tmp_path_factory.mktemp("workspace"))
    return run(config), folder_of(config)


def test_report(prepared: tuple[PrepareReport, Path]) -> None:
    report, folder = prepared
    assert json.loads((folder / "report.json").read_text()) == report.to_json()
    assert report.crop_side_px == 32
    assert report.train == SplitCounts(
        frames=2,
        cells_labelled=8,
        cells_kept=6,
        cells_cut_in_z=0,
        crops_kept=6,
        left_out={"cut by the frame's border": 2},
    )
    assert report.test.frames == 3
    assert "crops_kept: 6" in str(report)


def test_the_reports_keys_stay(prepared: tuple[PrepareReport, Path]) -> None:
    values = json.loads((prepared[1] / "report.json").read_text())
    counts = ["frames", "cells_labelled", "cells_kept", "cells_cut_in_z", "crops_kept", "left_out"]
    assert list(values) == ["crop_side_px", "train", "validation", "test"]
    assert list(values["train"]) == list(values["validation"]) == counts
    assert list(values["test"]) == ["frames"]


def test_crops(prepared: tuple[PrepareReport, Path]) -> None:
    folder = prepared[1] / "train"
    images, masks = np.load(folder / "images.npy"), np.load(folder / "masks.npy")
    assert images.shape == masks.shape == (6, 32, 32)
    assert images.dtype == np.float16
    assert images.min() >= 0
    assert images.max() <= 1
    assert (images[masks].mean() - images[~masks].mean()) > 0.4
    assert (np.load(folder / "outlines.npy") == masks).all()
    rows = pq.read_table(folder / "cells.parquet").to_pylist()
    assert [(r["frame"], r["label"]) for r in rows] == [(f"01/t{t:03d}", label) for t in (0, 1) for label in (1, 2, 3)]
    assert [r["area_px"] for r in rows] == masks.sum(axis=(1, 2)).tolist()


def test_statistics(prepared: tuple[PrepareReport, Path]) -> None:
    statistics = PopulationStatistics.load(prepared[1] / "statistics.json")
    record = statistics.frames[0]
    assert statistics.dtype == "uint16"
    assert record.cells == 4
    assert record.region is None
    assert record.background == pytest.approx(32_868, abs=3)
    assert record.noise_std == pytest.approx(5, rel=0.3)


def test_the_same_input_gives_the_same_bytes(
    prepared: tuple[PrepareReport, Path], ctc_root: Path, tmp_path: Path
) -> None:
    again = settings(ctc_root, tmp_path)
    run(again)
    files = sorted(p for p in prepared[1].rglob("*") if p.is_file())
    assert len(files) == 12
    for path in files:
        assert (folder_of(again) / path.relative_to(prepared[1])).read_bytes() == path.read_bytes(), path.name


def test_an_older_folder_is_replaced(ctc_root: Path, tmp_path: Path) -> None:
    config = settings(ctc_root, tmp_path)
    folder_of(config).mkdir(parents=True)
    (folder_of(config) / "old.txt").write_text("of an earlier run")
    run(config)
    assert not (folder_of(config) / "old.txt").exists()
    assert [path.name for path in folder_of(config).parent.iterdir()] == ["prepared"]


def test_progress_counts_every_reading_of_a_frame(ctc_root: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    config = settings(ctc_root, tmp_path)
    prepare_data(
        config.data,
        config.crops,
        config.shapes,
        tmp_path / "out",
        progress=lambda done, total, message="": seen.append((done, total)),
    )
    assert seen == [(done, 6) for done in range(1, 7)]  # two frames train, one validates, the test split is not read


def test_test_frames_are_not_read(ctc_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = tifffile.imread
    monkeypatch.setattr(tifffile, "imread", lambda path: read.append(str(path)) or original(path))  # type: ignore[func-returns-value]
    run(settings(ctc_root, tmp_path))
    assert read
    assert not [path for path in read if "/02" in path]


def test_volumes_with_dense_and_sparse_labels(tmp_path: Path) -> None:
    for time in (0, 1):
        image, labels = scene(time, shape=(13, 96, 112))
        for folder in ("01", "01_ST", "01_GT"):
            (tmp_path / folder).mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "01" / f"t{time:03d}.tif", image)
        tifffile.imwrite(tmp_path / "01_ST" / f"mask{time:03d}.tif", labels)
        tifffile.imwrite(tmp_path / "01_GT" / f"man_seg_{time:03d}_006.tif", labels[6])
    common: dict[str, Any] = {"dimensions": 3, "voxel_um": (2, 1, 1), "split": {"validation_fraction": 0.5}}
    dense = settings(tmp_path, tmp_path / "dense", label_folder="{sequence}_ST", **common)
    sparse = settings(tmp_path, tmp_path / "sparse", label_folder="{sequence}_GT", **common)
    assert run(dense).train.crops_kept > 3 * run(sparse).train.crops_kept
    outlines = [np.load(folder_of(c) / "train" / "outlines.npy") for c in (dense, sparse)]
    assert (outlines[0] == outlines[1]).all()  # the middle slice is the widest
    rows = pq.read_table(folder_of(dense) / "train" / "cells.parquet").to_pylist()
    heights = [r["relative_height"] for r in rows if r["label"] == 2]
    assert heights == pytest.approx(np.linspace(0, 1, 9))
    assert rows[0]["volume_um3"] == rows[0]["size_px"] * 2
    cells = PopulationStatistics.load(folder_of(dense) / "statistics.json").cells
    assert cells.heights_um[0] == pytest.approx(18, abs=1)


def test_empty_labels_everywhere(tmp_path: Path) -> None:
    for folder, name in (("images", "a"), ("masks", "a"), ("images", "b"), ("masks", "b")):
        (tmp_path / folder).mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / folder / f"{name}_.tif", np.zeros((32, 32), np.uint8))
    split = {"by": "group", "train": ["a"], "validation": ["b"]}
    with pytest.raises(InputError, match="no whole labelled cell"):
        run(settings(tmp_path, tmp_path / "w", layout="pairs", group_pattern="(.)_", split=split))


def test_an_unwritable_workspace(ctc_root: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the workspace should be")
    with pytest.raises(InputError, match="cannot be written"):
        run(settings(ctc_root, tmp_path / "taken"))


def test_every_row_has_its_cells_brightness(prepared: tuple[PrepareReport, Path]) -> None:
    folder = prepared[1] / "train"
    images, masks = np.load(folder / "images.npy"), np.load(folder / "masks.npy")
    for name in ("cells", "outlines"):
        rows = pq.read_table(folder / f"{name}.parquet").to_pylist()
        for image, mask, row in zip(images, masks, rows, strict=True):
            assert row["brightness"] == pytest.approx(float(image[mask].mean(dtype=np.float64)), abs=1e-3)
    table = PopulationStatistics.load(prepared[1] / "statistics.json").table
    assert len(table.brightness) == len(images)
