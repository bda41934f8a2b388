"""Data sets by name from a local copy of their owners' servers, with their own archive layouts."""

import io
import json
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image

from raysynth.base.errors import InputError
from raysynth.data.fetch import SOURCES, fetch, file_hash


def tiff(array):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, photometric="minisblack")
    return buffer.getvalue()


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def pack(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)


IMAGE = np.arange(64, dtype=np.uint16).reshape(8, 8)
GOWT1 = {
    "Fluo-N2DH-GOWT1/01/t000.tif": tiff(IMAGE),
    "Fluo-N2DH-GOWT1/01_ST/SEG/man_seg000.tif": tiff(IMAGE > 40),
    "Fluo-N2DH-GOWT1/01_GT/SEG/man_seg000.tif": tiff(IMAGE > 40),
    "__MACOSX/Fluo-N2DH-GOWT1/01/._t000.tif": b"",
}


@pytest.fixture
def gowt1(web):
    pack(web.folder / "Fluo-N2DH-GOWT1.zip", GOWT1)
    return web


def test_a_challenge_set_keeps_its_layout_and_records_its_hashes(gowt1, tmp_path):
    target = fetch("gowt1", tmp_path / "data", base=gowt1.url)
    assert target == tmp_path / "data" / "Fluo-N2DH-GOWT1"
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert files == {"01/t000.tif", "01_ST/SEG/man_seg000.tif", "01_GT/SEG/man_seg000.tif", "fetched.json"}
    np.testing.assert_array_equal(tifffile.imread(target / "01/t000.tif"), IMAGE)
    record = json.loads((target / "fetched.json").read_text())
    assert record["archives"] == {gowt1.url + "Fluo-N2DH-GOWT1.zip": file_hash(gowt1.folder / "Fluo-N2DH-GOWT1.zip")}
    assert record["files"]["01/t000.tif"] == file_hash(target / "01/t000.tif")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["Fluo-N2DH-GOWT1"]


def test_a_second_fetch_only_compares(gowt1, tmp_path):
    target = fetch("gowt1", tmp_path, base=gowt1.url)
    assert fetch("gowt1", tmp_path, base=gowt1.url) == target
    assert len(gowt1.ranges) == 1
    (target / "01/t000.tif").write_bytes(tiff(IMAGE[::-1]))
    with pytest.raises(InputError, match=r"t000\.tif: is not what was fetched; remove"):
        fetch("gowt1", tmp_path, base=gowt1.url)


def test_bbbc039_colours_become_instance_labels(web, tmp_path):
    colours = np.zeros((8, 12, 4), np.uint8)
    colours[1:4, 1:4, 0] = 1
    colours[1:4, 4:7, 0] = 2  # touches the first, so it has another colour
    colours[5:7, 8:11, 0] = 1  # the first one's colour again, elsewhere
    pack(web.folder / "images.zip", {"images/IXM_A01_s1.tif": tiff(IMAGE)})
    pack(web.folder / "masks.zip", {"masks/IXM_A01_s1.png": png(colours)})
    pack(web.folder / "metadata.zip", {"metadata/training.txt": "IXM_A01_s1.png\n"})
    target = fetch("bbbc039", tmp_path, base=web.url)
    labels = tifffile.imread(target / "masks/IXM_A01_s1.tif")
    assert (target / "images/IXM_A01_s1.tif").is_file()
    assert (target / "metadata/training.txt").is_file()
    assert not list(target.glob("masks/*.png"))
    assert labels.max() == 3
    for part in (np.s_[1:4, 1:4], np.s_[1:4, 4:7], np.s_[5:7, 8:11]):
        assert len(np.unique(labels[part])) == 1
    np.testing.assert_array_equal(labels > 0, colours[..., 0] > 0)


def test_bbbc050_becomes_image_and_mask_folders(web, tmp_path):
    volume = np.zeros((3, 8, 8), np.uint16)
    pack(web.folder / "Images.zip", {f"Images/{s}/Images/Emb01_t001.tif": tiff(volume) for s in ("train", "test")})
    truth = {f"GroundTruth/{s}/GroundTruth_QCANet/Emb01_t001.tif": tiff(volume + 1) for s in ("train", "test")}
    other = {"GroundTruth/train/GroundTruth_NSN/Emb01_t001.tif": tiff(volume + 255)}
    pack(web.folder / "GroundTruth.zip", truth | other)
    target = fetch("bbbc050", tmp_path, base=web.url)
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.tif")) == [
        f"{split}/{kind}/Emb01_t001.tif" for split in ("test", "train") for kind in ("images", "masks")
    ]
    assert tifffile.imread(target / "train/masks/Emb01_t001.tif").max() == 1


def test_an_interrupted_fetch_leaves_no_folder_and_is_continued(gowt1, tmp_path):
    size = (gowt1.folder / "Fluo-N2DH-GOWT1.zip").stat().st_size
    pack(
        gowt1.folder / "Fluo-N2DH-GOWT1.zip",
        GOWT1 | {"Fluo-N2DH-GOWT1/02/t000.tif": np.random.default_rng(0).bytes(size)},
    )
    gowt1.break_after(*[size // 10] * 5)
    with pytest.raises(InputError, match="run the command again, it continues there"):
        fetch("gowt1", tmp_path, base=gowt1.url, pause_s=0)
    assert not (tmp_path / "Fluo-N2DH-GOWT1").exists()
    assert (fetch("gowt1", tmp_path, base=gowt1.url) / "02/t000.tif").stat().st_size == size
    assert gowt1.ranges[-1] == f"bytes={size // 10 * 5}-"


@pytest.mark.parametrize("damage", [lambda zipped: zipped[:60] + bytes(20) + zipped[80:], lambda zipped: zipped[:-30]])
def test_a_damaged_zip_is_refused_and_removed(damage, gowt1, tmp_path):
    whole = (gowt1.folder / "Fluo-N2DH-GOWT1.zip").read_bytes()
    (gowt1.folder / "Fluo-N2DH-GOWT1.zip").write_bytes(damage(whole))
    with pytest.raises(InputError, match=r"is a damaged zip file .* fetch it again"):
        fetch("gowt1", tmp_path, base=gowt1.url)
    assert list(tmp_path.iterdir()) == []
    (gowt1.folder / "Fluo-N2DH-GOWT1.zip").write_bytes(whole)
    assert (fetch("gowt1", tmp_path, base=gowt1.url) / "01/t000.tif").is_file()


def test_a_zip_that_reaches_outside_is_refused(web, tmp_path):
    pack(web.folder / "Fluo-N2DH-GOWT1.zip", {"Fluo-N2DH-GOWT1/../../../escaped.txt": b"x"})
    with pytest.raises(InputError, match="leads outside"):
        fetch("gowt1", tmp_path / "data", base=web.url)
    assert not list(tmp_path.rglob("escaped.txt"))


def test_an_archive_without_the_expected_files_is_refused(web, tmp_path):
    pack(web.folder / "Fluo-N2DH-GOWT1.zip", {"something/else.txt": b"x"})
    with pytest.raises(InputError, match="holds none of the expected files"):
        fetch("gowt1", tmp_path, base=web.url)
    assert not (tmp_path / "Fluo-N2DH-GOWT1").exists()


def test_other_bad_input_is_one_sentence(gowt1, tmp_path):
    with pytest.raises(InputError, match="is not a data set fetch knows; use one of hela, gowt1"):
        fetch("yeast", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"):
        fetch("gowt1", tmp_path / "file" / "data", base=gowt1.url)
    (tmp_path / "Fluo-N2DH-GOWT1").mkdir()
    with pytest.raises(InputError, match="exists already and was not fetched"):
        fetch("gowt1", tmp_path, base=gowt1.url)


def test_the_official_addresses():
    assert SOURCES.keys() == {"hela", "gowt1", "cho", "ce", "bbbc039", "bbbc050"}
    urls = [source.base + archive for source in SOURCES.values() for archive in source.archives]
    assert "https://data.celltrackingchallenge.net/training-datasets/Fluo-N3DH-CE.zip" in urls
    assert "https://data.broadinstitute.org/bbbc/BBBC050/GroundTruth.zip" in urls
    assert all(url.startswith("https://") and url.endswith(".zip") for url in urls)
