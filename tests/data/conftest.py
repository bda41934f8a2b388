"""A local HTTP server that can send ranges, break off and fail."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


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
