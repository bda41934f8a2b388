"""A local HTTP server that can send ranges, break off and fail; small frames of known cells."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray


class Server(ThreadingHTTPServer):
    """Serves the files of `folder`. Each length in `breaks` cuts one answer short; `failures` answers are errors."""

    folder: Path
    ranges_supported = True
    failures = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.breaks: list[int] = []
        self.ranges: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        path = self.server.folder / self.path.lstrip("/")
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
        elif not path.is_file():
            self.send_error(404)
        else:
            self._send(path.read_bytes(), asked if self.server.ranges_supported else None)

    def _send(self, content: bytes, asked: str | None) -> None:
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        length = self.server.breaks.pop(0) if self.server.breaks else len(content)
        self.wfile.write(content[start : start + length])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@dataclass
class Web:
    """What a test sees of the server: its folder and address, the `Range` of every request."""

    server: Server
    folder: Path
    url: str
    ranges: list[str | None] = field(default_factory=list)

    def break_after(self, *lengths: int) -> None:
        """Cut the coming answers off after so many bytes each."""
        self.server.breaks.extend(lengths)


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A local HTTP server with an empty folder."""
    server = Server()
    server.folder = tmp_path_factory.mktemp("web")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Web(server, server.folder, f"http://127.0.0.1:{server.server_port}/", server.ranges)
    server.shutdown()
    server.server_close()
    thread.join()


def scene(time: int = 0, shape: tuple[int, ...] = (96, 112)) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """A frame above HeLa's offset, with its labels: whole cells 1, 2 and 3, two touching; 4 cut by the border."""
    centres, radii = [(30, 30), (60, 50), (60, 68), (50, 111)], [8, 9, 9, 8]
    z, y, x = np.ogrid[: shape[0] if len(shape) == 3 else 1, : shape[-2], : shape[-1]]
    labels = np.zeros((len(z[:, 0, 0]), *shape[-2:]), np.uint16)
    for label, ((cy, cx), radius) in enumerate(zip(centres, radii, strict=True), start=1):
        depth = ((z - shape[0] // 2) * 2.0) ** 2 if len(shape) == 3 else 0
        labels[((y - cy) ** 2 + (x - cx) ** 2 + depth <= radius**2) & (labels == 0)] = label
    rng = np.random.default_rng(time)
    image = 32_868 + rng.normal(0, 5, labels.shape) + 200 * (labels > 0) + 10 * labels
    return image.astype(np.uint16).reshape(shape), labels.reshape(shape)


@pytest.fixture(scope="session")
def ctc_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two CTC sequences: images 0 to 3, of which 0 to 2 have labels."""
    root = tmp_path_factory.mktemp("ctc")
    for sequence in ("01", "02"):
        (root / sequence).mkdir()
        (root / f"{sequence}_ST" / "SEG").mkdir(parents=True)
        for time in range(4):
            image, labels = scene(time)
            tifffile.imwrite(root / sequence / f"t{time:03d}.tif", image)
            if time < 3:
                tifffile.imwrite(root / f"{sequence}_ST" / "SEG" / f"man_seg{time:03d}.tif", labels)
    return root


@pytest.fixture
def make_scene() -> Callable[..., tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """The function that draws a frame of known cells."""
    return scene
