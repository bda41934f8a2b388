"""Downloads against a real HTTP server: whole, broken and continued, refused, unreachable."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.data import download as downloading
from raysynth.data.download import download
from tests.fixtures.frames import Web

CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "PAUSE_S", 0)


@pytest.fixture
def served(web: Web) -> Web:
    (web.folder / "set.zip").write_bytes(CONTENT)
    return web


def test_a_file_arrives_whole(served: Web, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = tmp_path / "set.zip"
    download(served.url + "set.zip", target, progress=lambda done, total, message="": seen.append((done, total)))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not (tmp_path / "set.zip.part").exists()


def test_a_broken_connection_is_continued_where_it_broke(served: Web, tmp_path: Path) -> None:
    served.break_after(1_000_000, 700_000)
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert hashlib.sha256((tmp_path / "set.zip").read_bytes()).digest() == hashlib.sha256(CONTENT).digest()
    assert served.ranges == [None, "bytes=1000000-", "bytes=1700000-"]


def test_a_later_call_continues_what_an_earlier_one_left(served: Web, tmp_path: Path) -> None:
    served.break_after(1_000_000)
    with pytest.raises(InputError, match="1000000 bytes have arrived"):
        download(served.url + "set.zip", tmp_path / "set.zip", attempts=1)
    assert not (tmp_path / "set.zip").exists()
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert served.ranges == [None, "bytes=1000000-"]


def test_a_whole_part_file_is_not_downloaded_again(served: Web, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_begun_again(served: Web, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(served: Web, tmp_path: Path) -> None:
    served.server.ranges_supported = False
    (tmp_path / "set.zip.part").write_bytes(b"x" * 1000)
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_refusal_is_one_sentence_and_is_not_tried_again(served: Web, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.zip: the server answers 404 \(.*\); look up"):
        download(served.url + "none.zip", tmp_path / "none.zip")
    assert len(served.ranges) == 1


def test_a_failing_server_is_tried_again(served: Web, tmp_path: Path) -> None:
    served.server.failures = 2
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be downloaded .*check the network"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip", attempts=2)
