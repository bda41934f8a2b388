"""Downloads against a real HTTP server: whole, broken and continued, refused, unreachable."""

import hashlib

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.data.download import download

CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture
def served(web):
    (web.folder / "set.zip").write_bytes(CONTENT)
    return web


def test_a_file_arrives_whole(served, tmp_path):
    seen = []
    download(served.url + "set.zip", tmp_path / "set.zip", lambda *figures: seen.append(figures))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert seen[-1] == ("set.zip", len(CONTENT), len(CONTENT))
    assert not (tmp_path / "set.zip.part").exists()


def test_a_broken_connection_is_continued_where_it_broke(served, tmp_path):
    served.break_after(1_000_000, 700_000)
    download(served.url + "set.zip", tmp_path / "set.zip", pause_s=0)
    assert hashlib.sha256((tmp_path / "set.zip").read_bytes()).digest() == hashlib.sha256(CONTENT).digest()
    assert served.ranges == [None, "bytes=1000000-", "bytes=1700000-"]


def test_a_later_call_continues_what_an_earlier_one_left(served, tmp_path):
    served.break_after(1_000_000)
    with pytest.raises(InputError, match="1000000 bytes have arrived"):
        download(served.url + "set.zip", tmp_path / "set.zip", attempts=1)
    assert not (tmp_path / "set.zip").exists()
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert served.ranges == [None, "bytes=1000000-"]


def test_a_whole_part_file_is_not_downloaded_again(served, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_begun_again(served, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    download(served.url + "set.zip", tmp_path / "set.zip", pause_s=0)
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(served, tmp_path):
    served.server.ranges_supported = False
    (tmp_path / "set.zip.part").write_bytes(b"x" * 1000)
    download(served.url + "set.zip", tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_refusal_is_one_sentence_and_is_not_tried_again(served, tmp_path):
    with pytest.raises(InputError, match=r"none\.zip: the server answers 404 \(.*\); look up"):
        download(served.url + "none.zip", tmp_path / "none.zip")
    assert len(served.ranges) == 1


def test_a_failing_server_is_tried_again(served, tmp_path):
    served.server.failures = 2
    download(served.url + "set.zip", tmp_path / "set.zip", pause_s=0)
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_no_server_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"cannot be downloaded .*check the network"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip", attempts=2, pause_s=0)
