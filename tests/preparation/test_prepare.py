import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.preparation.prepare import prepare
from raysynth.preparation.prepared import prepared_folder
from raysynth.preparation.statistics import PopulationStatistics


def config(root, workspace, dimensions=2, **data):
    data = {"root": str(root), "dimensions": dimensions, "split": {"train": ["01"], "test": ["02"]}} | data
    return Config(name="small", workspace=str(workspace), data=data, population={"frame_px": (64,) * dimensions})


@pytest.fixture(scope="module")
def prepared(ctc_root, tmp_path_factory):
    settings = config(ctc_root, tmp_path_factory.mktemp("workspace"))
    return prepare(settings), prepared_folder(settings)


def test_report(prepared):
    report, folder = prepared
    assert json.loads((folder / "report.json").read_text()) == report
    assert report["crop_side_px"] == 32
    assert report["train"] == {
        "frames": 2,
        "cells_labelled": 8,
        "cells_kept": 6,
        "cells_cut_in_z": 0,
        "crops_kept": 6,
        "left_out": {"cut by the frame's border": 2},
    }
    assert report["test"] == {"frames": 3}


def test_crops(prepared):
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


def test_statistics(prepared):
    statistics = PopulationStatistics.load(prepared[1] / "statistics.json")
    record = statistics.frames[0]
    assert statistics.dtype == "uint16"
    assert record.cells == 4
    assert record.touching == 0.5
    assert record.region is None
    assert record.background == pytest.approx(32_868, abs=3)
    assert record.noise_std == pytest.approx(5, rel=0.3)
    assert record.neighbour_px[0] == pytest.approx(18, abs=2)


def test_the_same_input_gives_the_same_bytes(prepared, ctc_root, tmp_path):
    again = config(ctc_root, tmp_path)
    prepare(again)
    for path in sorted(p for p in prepared[1].rglob("*") if p.is_file()):
        assert (prepared_folder(again) / path.relative_to(prepared[1])).read_bytes() == path.read_bytes(), path.name


def test_test_frames_are_not_read(ctc_root, tmp_path, monkeypatch):
    read, original = [], tifffile.imread
    monkeypatch.setattr(tifffile, "imread", lambda path: read.append(str(path)) or original(path))
    prepare(config(ctc_root, tmp_path))
    assert read
    assert not [path for path in read if "/02" in path]


def test_volumes_with_dense_and_sparse_labels(tmp_path, make_scene):
    for time in (0, 1):
        image, labels = make_scene(time, shape=(13, 96, 112))
        for folder in ("01", "01_ST", "01_GT"):
            (tmp_path / folder).mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "01" / f"t{time:03d}.tif", image)
        tifffile.imwrite(tmp_path / "01_ST" / f"mask{time:03d}.tif", labels)
        tifffile.imwrite(tmp_path / "01_GT" / f"man_seg_{time:03d}_006.tif", labels[6])
    common = {"dimensions": 3, "voxel_um": (2, 1, 1), "split": {"validation_fraction": 0.5}}
    dense = config(tmp_path, tmp_path / "dense", label_folder="{sequence}_ST", **common)
    sparse = config(tmp_path, tmp_path / "sparse", label_folder="{sequence}_GT", **common)
    assert prepare(dense)["train"]["crops_kept"] > 3 * prepare(sparse)["train"]["crops_kept"]
    outlines = [np.load(prepared_folder(c) / "train" / "outlines.npy") for c in (dense, sparse)]
    assert (outlines[0] == outlines[1]).all()  # the middle slice is the widest
    rows = pq.read_table(prepared_folder(dense) / "train" / "cells.parquet").to_pylist()
    heights = [r["relative_height"] for r in rows if r["label"] == 1]
    assert (heights[0], heights[-1]) == (0, 1) or len(heights) < 9
    assert rows[0]["volume_um3"] == rows[0]["size_px"] * 2
    cells = PopulationStatistics.load(prepared_folder(dense) / "statistics.json").cells
    assert cells.heights_um[0] == pytest.approx(18, abs=1)


def test_empty_labels_everywhere(tmp_path):
    for folder, name in (("images", "a"), ("masks", "a"), ("images", "b"), ("masks", "b")):
        (tmp_path / folder).mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / folder / f"{name}_.tif", np.zeros((32, 32), np.uint8))
    split = {"by": "group", "train": ["a"], "validation": ["b"]}
    with pytest.raises(InputError, match="no whole labelled cell"):
        prepare(config(tmp_path, tmp_path / "w", layout="pairs", group_pattern="(.)_", split=split))


def test_an_unwritable_workspace(ctc_root, tmp_path):
    (tmp_path / "taken").write_text("a file where the workspace should be")
    with pytest.raises(InputError, match="cannot be written"):
        prepare(config(ctc_root, tmp_path / "taken"))


def test_every_row_has_its_cells_brightness(prepared):
    folder = prepared[1] / "train"
    images, masks = np.load(folder / "images.npy"), np.load(folder / "masks.npy")
    for name in ("cells", "outlines"):
        rows = pq.read_table(folder / f"{name}.parquet").to_pylist()
        for image, mask, row in zip(images, masks, rows, strict=True):
            assert row["brightness"] == pytest.approx(float(image[mask].mean(dtype=np.float64)), abs=1e-3)
    table = PopulationStatistics.load(prepared[1] / "statistics.json").table
    assert len(table.brightness) == len(images)
