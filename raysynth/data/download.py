"""One file over HTTP, continued where an earlier attempt stopped."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from raysynth.base.errors import InputError

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 60.0

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes that are there and the bytes there will be (None: the server does not say)."""


def download(url: str, target: Path, progress: Progress | None = None, attempts: int = 5, pause_s: float = 2.0) -> None:
    """Write the file at `url` to `target`, which appears only when it is whole.

    What has arrived lies in `target` + `.part`; a broken connection, or a later call, continues there (HTTP Range).
    Raises InputError when the server refuses the file or cannot be reached in `attempts` tries.
    """
    part = target.with_name(target.name + ".part")
    for attempt in range(1, attempts + 1):
        try:
            if _continue(url, part, progress):
                part.replace(target)
                return
            reason = "the connection closed early"
        except urllib.error.HTTPError as error:
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise InputError(_refusal(url, error)) from None
            reason = f"the server answers {error.code}"
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", error))
        if attempt < attempts:
            time.sleep(pause_s)
    arrived = part.stat().st_size if part.exists() else 0
    raise InputError(
        f"{url}: cannot be downloaded ({reason}; {arrived} bytes have arrived); "
        "check the network and run the command again, it continues there."
    )


def _continue(url: str, part: Path, progress: Progress | None) -> bool:
    """Append to `part` what is missing of it; whether it is whole now."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            if start and response.status != HTTPStatus.PARTIAL_CONTENT:  # a server without ranges sends it all again
                start = 0
            return _append(response, part, start, progress)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return error.headers.get("Content-Range") == f"bytes */{start}" or _start_again(part)
        raise


def _append(response: HTTPResponse, part: Path, start: int, progress: Progress | None) -> bool:
    length = response.headers.get("Content-Length")
    total = start + int(length) if length is not None else None
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := response.read(CHUNK_BYTES):
            done += file.write(chunk)
            if progress is not None:
                progress(part.stem, done, total)
    return total is None or done == total


def _start_again(part: Path) -> bool:
    """The server's file is not the one `part` was begun from."""
    part.unlink()
    return False


def _refusal(url: str, error: urllib.error.HTTPError) -> str:
    return (
        f"{url}: the server answers {error.code} ({error.reason}); look up the data set's page for its present address."
    )
