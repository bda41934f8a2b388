import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.config import DataConfig
from raysynth.data.ctc import ctc_frames
from tests.fixtures.frames import scene


def settings(root: Path, **changes: Any) -> DataConfig:
    return DataConfig.model_validate({"root": str(root), "dimensions": 2} | changes)


def test_only_labelled_frames_are_listed(ctc_root: Path) -> None:
    frames = ctc_frames(settings(ctc_root))
    assert [f.name for f in frames] == [f"{s}/t{t:03d}" for s in ("01", "02") for t in range(3)]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        ctc_frames(settings(tmp_path / "nowhere"))


def test_no_labels_anywhere(ctc_root: Path) -> None:
    with pytest.raises(InputError, match="NN_XX/SEG"):
        ctc_frames(settings(ctc_root, label_folder="{sequence}_XX/SEG"))


def test_named_sequence_without_labels(ctc_root: Path, tmp_path: Path) -> None:
    shutil.copytree(ctc_root, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "02_ST")
    assert {f.group for f in ctc_frames(settings(tmp_path / "copy"))} == {"01"}
    with pytest.raises(InputError, match="02"):
        ctc_frames(settings(tmp_path / "copy", split={"test": ["02"]}))


def test_labels_without_image(ctc_root: Path, tmp_path: Path) -> None:
    shutil.copytree(ctc_root, tmp_path / "copy")
    (tmp_path / "copy" / "01" / "t001.tif").unlink()
    with pytest.raises(InputError, match=r"man_seg001\.tif has no image"):
        ctc_frames(settings(tmp_path / "copy"))


@pytest.fixture
def sparse_root(tmp_path: Path) -> tuple[Path, NDArray[np.uint16]]:
    """One volume of which slices 4 and 6 are annotated."""
    image, labels = scene(shape=(9, 96, 112))
    (tmp_path / "01").mkdir()
    (tmp_path / "01_GT" / "SEG").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "01" / "t000.tif", (image - 32_768).astype(np.uint8))
    for z in (4, 6):
        tifffile.imwrite(tmp_path / "01_GT" / "SEG" / f"man_seg_000_{z:03d}.tif", labels[z])
    return tmp_path, labels


def test_sparse_gold_fills_its_slices(sparse_root: tuple[Path, NDArray[np.uint16]]) -> None:
    root, labels = sparse_root
    (frame,) = ctc_frames(settings(root, dimensions=3, label_folder="{sequence}_GT/SEG"))
    pixels = frame.read()
    assert pixels.slices == (4, 6)
    assert (pixels.labels[[4, 6]] == labels[[4, 6]]).all()
    assert not pixels.labels[[0, 3, 5, 8]].any()
    assert pixels.image.dtype == np.uint8


def test_sparse_gold_needs_volumes(sparse_root: tuple[Path, NDArray[np.uint16]]) -> None:
    with pytest.raises(InputError, match="dimensions"):
        ctc_frames(settings(sparse_root[0], label_folder="{sequence}_GT/SEG"))


def test_annotated_slice_beyond_the_volume(sparse_root: tuple[Path, NDArray[np.uint16]]) -> None:
    root, labels = sparse_root
    tifffile.imwrite(root / "01_GT" / "SEG" / "man_seg_000_011.tif", labels[4])
    (frame,) = ctc_frames(settings(root, dimensions=3, label_folder="{sequence}_GT/SEG"))
    with pytest.raises(InputError, match="slice 11"):
        frame.read()


def test_hela_keeps_its_offset(real_data: Path) -> None:
    frame = ctc_frames(settings(real_data / "Fluo-N2DL-HeLa"))[0]
    assert frame.read().image.min() > 32_768
