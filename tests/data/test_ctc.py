import shutil

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.config import DataConfig
from raysynth.data.ctc import ctc_frames


def config(root, **changes):
    return DataConfig(**({"root": str(root), "dimensions": 2} | changes))


def test_only_labelled_frames_are_listed(ctc_root):
    frames = ctc_frames(config(ctc_root))
    assert [f.name for f in frames] == [f"{s}/t{t:03d}" for s in ("01", "02") for t in range(3)]


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        ctc_frames(config(tmp_path / "nowhere"))


def test_no_labels_anywhere(ctc_root):
    with pytest.raises(InputError, match="NN_XX/SEG"):
        ctc_frames(config(ctc_root, label_folder="{sequence}_XX/SEG"))


def test_named_sequence_without_labels(ctc_root, tmp_path):
    shutil.copytree(ctc_root, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "02_ST")
    assert {f.group for f in ctc_frames(config(tmp_path / "copy"))} == {"01"}
    with pytest.raises(InputError, match="02"):
        ctc_frames(config(tmp_path / "copy", split={"test": ["02"]}))


def test_labels_without_image(ctc_root, tmp_path):
    shutil.copytree(ctc_root, tmp_path / "copy")
    (tmp_path / "copy" / "01" / "t001.tif").unlink()
    with pytest.raises(InputError, match=r"man_seg001\.tif has no image"):
        ctc_frames(config(tmp_path / "copy"))


@pytest.fixture
def sparse_root(tmp_path, make_scene):
    """One volume of which slices 4 and 6 are annotated."""
    image, labels = make_scene(shape=(9, 96, 112))
    (tmp_path / "01").mkdir()
    (tmp_path / "01_GT" / "SEG").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "01" / "t000.tif", (image - 32_768).astype(np.uint8))
    for z in (4, 6):
        tifffile.imwrite(tmp_path / "01_GT" / "SEG" / f"man_seg_000_{z:03d}.tif", labels[z])
    return tmp_path, labels


def test_sparse_gold_fills_its_slices(sparse_root):
    root, labels = sparse_root
    (frame,) = ctc_frames(config(root, dimensions=3, label_folder="{sequence}_GT/SEG"))
    pixels = frame.read()
    assert pixels.slices == (4, 6)
    assert (pixels.labels[[4, 6]] == labels[[4, 6]]).all()
    assert not pixels.labels[[0, 3, 5, 8]].any()
    assert pixels.image.dtype == np.uint8


def test_sparse_gold_needs_volumes(sparse_root):
    with pytest.raises(InputError, match="dimensions"):
        ctc_frames(config(sparse_root[0], label_folder="{sequence}_GT/SEG"))


def test_annotated_slice_beyond_the_volume(sparse_root):
    root, labels = sparse_root
    tifffile.imwrite(root / "01_GT" / "SEG" / "man_seg_000_011.tif", labels[4])
    (frame,) = ctc_frames(config(root, dimensions=3, label_folder="{sequence}_GT/SEG"))
    with pytest.raises(InputError, match="slice 11"):
        frame.read()


def test_hela_keeps_its_offset(real_data):
    frame = ctc_frames(config(real_data / "Fluo-N2DL-HeLa"))[0]
    assert frame.read().image.min() > 32_768
