"""Data sets by name from a local copy of their owners' servers, with their own archive layouts."""

import dataclasses
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from raysynth.base.errors import InputError
from raysynth.data import download as downloading
from raysynth.data.fetch import FETCHABLE, fetch_data
from raysynth.data.public_datasets import PUBLIC_DATASETS
from tests.fixtures.frames import Web


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "PAUSE_S", 0)


def fetched(name: str, folder: Path, base: str) -> Path:
    (target,) = fetch_data(name, folder, base).folders
    return target


def tiff(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, photometric="minisblack")
    return buffer.getvalue()


def png(array: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def pack(path: Path, files: dict[str, bytes]) -> None:
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
def gowt1(web: Web) -> Web:
    pack(web.folder / "Fluo-N2DH-GOWT1.zip", GOWT1)
    return web


def test_a_challenge_set_keeps_its_layout_and_records_its_hashes(gowt1: Web, tmp_path: Path) -> None:
    target = fetched("gowt1", tmp_path / "data", gowt1.url)
    assert target == tmp_path / "data" / "Fluo-N2DH-GOWT1"
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert files == {"01/t000.tif", "01_ST/SEG/man_seg000.tif", "01_GT/SEG/man_seg000.tif", "fetched.json"}
    np.testing.assert_array_equal(tifffile.imread(target / "01/t000.tif"), IMAGE)
    record = json.loads((target / "fetched.json").read_text())
    assert record["archives"] == {
        gowt1.url + "Fluo-N2DH-GOWT1.zip": pooch.file_hash(gowt1.folder / "Fluo-N2DH-GOWT1.zip")
    }
    assert record["files"]["01/t000.tif"] == pooch.file_hash(target / "01/t000.tif")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["Fluo-N2DH-GOWT1"]


def test_a_second_fetch_only_compares(gowt1: Web, tmp_path: Path) -> None:
    target = fetched("gowt1", tmp_path, gowt1.url)
    assert fetched("gowt1", tmp_path, gowt1.url) == target
    assert len(gowt1.ranges) == 1
    (target / "01/t000.tif").write_bytes(tiff(IMAGE[::-1]))
    with pytest.raises(InputError, match=r"t000\.tif: is not what was fetched; remove"):
        fetched("gowt1", tmp_path, gowt1.url)


def test_bbbc039_colours_become_instance_labels(web: Web, tmp_path: Path) -> None:
    colours = np.zeros((8, 12, 4), np.uint8)
    colours[1:4, 1:4, 0] = 1
    colours[1:4, 4:7, 0] = 2  # touches the first, so it has another colour
    colours[5:7, 8:11, 0] = 1  # the first one's colour again, elsewhere
    pack(web.folder / "images.zip", {"images/IXM_A01_s1.tif": tiff(IMAGE)})
    pack(web.folder / "masks.zip", {"masks/IXM_A01_s1.png": png(colours)})
    pack(web.folder / "metadata.zip", {"metadata/training.txt": b"IXM_A01_s1.png\n"})
    target = fetched("bbbc039", tmp_path, web.url)
    labels = tifffile.imread(target / "masks/IXM_A01_s1.tif")
    assert (target / "images/IXM_A01_s1.tif").is_file()
    assert (target / "metadata/training.txt").is_file()
    assert not list(target.glob("masks/*.png"))
    assert labels.max() == 3
    for part in (np.s_[1:4, 1:4], np.s_[1:4, 4:7], np.s_[5:7, 8:11]):
        assert len(np.unique(labels[part])) == 1
    np.testing.assert_array_equal(labels > 0, colours[..., 0] > 0)


def test_bbbc050_becomes_image_and_mask_folders(web: Web, tmp_path: Path) -> None:
    volume = np.zeros((3, 8, 8), np.uint16)
    pack(web.folder / "Images.zip", {f"Images/{s}/Images/Emb01_t001.tif": tiff(volume) for s in ("train", "test")})
    truth = {f"GroundTruth/{s}/GroundTruth_QCANet/Emb01_t001.tif": tiff(volume + 1) for s in ("train", "test")}
    other = {"GroundTruth/train/GroundTruth_NSN/Emb01_t001.tif": tiff(volume + 255)}
    pack(web.folder / "GroundTruth.zip", truth | other)
    target = fetched("bbbc050", tmp_path, web.url)
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.tif")) == [
        f"{split}/{kind}/Emb01_t001.tif" for split in ("test", "train") for kind in ("images", "masks")
    ]
    assert tifffile.imread(target / "train/masks/Emb01_t001.tif").max() == 1


def test_an_interrupted_fetch_leaves_no_folder_and_is_continued(gowt1: Web, tmp_path: Path) -> None:
    size = (gowt1.folder / "Fluo-N2DH-GOWT1.zip").stat().st_size
    pack(
        gowt1.folder / "Fluo-N2DH-GOWT1.zip",
        GOWT1 | {"Fluo-N2DH-GOWT1/02/t000.tif": np.random.default_rng(0).bytes(size)},
    )
    gowt1.break_after(*[size // 10] * 5)
    with pytest.raises(InputError, match="run the command again, it resumes there"):
        fetched("gowt1", tmp_path, gowt1.url)
    assert not (tmp_path / "Fluo-N2DH-GOWT1").exists()
    assert (fetched("gowt1", tmp_path, gowt1.url) / "02/t000.tif").stat().st_size == size
    assert gowt1.ranges[-1] == f"bytes={size // 10 * 5}-"


@pytest.mark.parametrize("damage", [lambda zipped: zipped[:60] + bytes(20) + zipped[80:], lambda zipped: zipped[:-30]])
def test_a_damaged_zip_is_refused_and_removed(damage: Callable[[bytes], bytes], gowt1: Web, tmp_path: Path) -> None:
    whole = (gowt1.folder / "Fluo-N2DH-GOWT1.zip").read_bytes()
    (gowt1.folder / "Fluo-N2DH-GOWT1.zip").write_bytes(damage(whole))
    with pytest.raises(InputError, match=r"is a damaged zip file .* fetch it again"):
        fetched("gowt1", tmp_path, gowt1.url)
    assert list(tmp_path.iterdir()) == []
    (gowt1.folder / "Fluo-N2DH-GOWT1.zip").write_bytes(whole)
    assert (fetched("gowt1", tmp_path, gowt1.url) / "01/t000.tif").is_file()


def test_a_zip_that_reaches_outside_is_refused(web: Web, tmp_path: Path) -> None:
    pack(web.folder / "Fluo-N2DH-GOWT1.zip", {"Fluo-N2DH-GOWT1/../../../escaped.txt": b"x"})
    with pytest.raises(InputError, match="leads outside"):
        fetched("gowt1", tmp_path / "data", web.url)
    assert not list(tmp_path.rglob("escaped.txt"))


def test_an_archive_without_the_expected_files_is_refused(web: Web, tmp_path: Path) -> None:
    pack(web.folder / "Fluo-N2DH-GOWT1.zip", {"something/else.txt": b"x"})
    with pytest.raises(InputError, match="holds none of the expected files"):
        fetched("gowt1", tmp_path, web.url)
    assert not (tmp_path / "Fluo-N2DH-GOWT1").exists()


def test_other_bad_input_is_one_sentence(gowt1: Web, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a data set fetch knows; use one of hela, .*, bbbc050 or samples\."):
        fetch_data("yeast", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"):
        fetched("gowt1", tmp_path / "file" / "data", gowt1.url)
    (tmp_path / "Fluo-N2DH-GOWT1").mkdir()
    with pytest.raises(InputError, match="exists already and was not fetched"):
        fetched("gowt1", tmp_path, gowt1.url)


def test_the_report_names_the_folders_whatever_kind_of_path_was_given(gowt1: Web, tmp_path: Path) -> None:
    report = fetch_data("gowt1", str(tmp_path), gowt1.url)
    assert report.folders == (tmp_path / "Fluo-N2DH-GOWT1",)
    assert report.to_json() == {"folders": [str(tmp_path / "Fluo-N2DH-GOWT1")]}


def test_progress_counts_bytes(gowt1: Web, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    fetch_data("gowt1", tmp_path, gowt1.url, progress=lambda done, total, message="": seen.append((done, total)))
    size = (gowt1.folder / "Fluo-N2DH-GOWT1.zip").stat().st_size
    assert seen == [(size, size)]


@pytest.fixture
def official(gowt1: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The server takes the place of the challenge's own, whose archive has another hash."""
    dataset = dataclasses.replace(PUBLIC_DATASETS["gowt1"], base=gowt1.url)
    monkeypatch.setitem(PUBLIC_DATASETS, "gowt1", dataset)
    return gowt1


def test_an_archive_that_is_not_the_known_one_is_refused(official: Web, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is another file than raysynth knows .* --base http"):
        fetch_data("gowt1", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert (fetched("gowt1", tmp_path, official.url) / "01/t000.tif").is_file()


def test_the_known_archive_is_taken(official: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, archive = "Fluo-N2DH-GOWT1-Fluo-N2DH-GOWT1.zip", official.folder / "Fluo-N2DH-GOWT1.zip"
    load = pooch.Pooch.load_registry

    def known(store: pooch.Pooch, file: str) -> None:
        load(store, file)
        store.registry[name] = pooch.file_hash(archive)

    monkeypatch.setattr(pooch.Pooch, "load_registry", known)
    assert (fetch_data("gowt1", tmp_path).folders[0] / "01/t000.tif").is_file()


def test_every_official_archive_has_a_known_hash() -> None:
    store = pooch.create(path="", base_url="")
    store.load_registry(str(Path(downloading.__file__).with_name("archives.txt")))
    names = {f"{dataset.folder}-{archive}" for dataset in PUBLIC_DATASETS.values() for archive in dataset.archives}
    assert set(store.registry) == names
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in store.registry.values())


def test_the_official_addresses() -> None:
    assert FETCHABLE == ("hela", "gowt1", "cho", "ce", "bbbc039", "bbbc050", "samples")
    urls = [dataset.base + archive for dataset in PUBLIC_DATASETS.values() for archive in dataset.archives]
    assert "https://data.celltrackingchallenge.net/training-datasets/Fluo-N3DH-CE.zip" in urls
    assert "https://data.broadinstitute.org/bbbc/BBBC050/GroundTruth.zip" in urls
    assert all(url.startswith("https://") and url.endswith(".zip") for url in urls)
