"""One file over HTTP, resumed where an earlier attempt stopped."""

import time
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from raysynth.base.errors import InputError
from raysynth.base.progress import Progress, no_progress

PAUSE_S = 2.0
"""Seconds before another try."""

_CHUNK_BYTES = 1 << 20
# Of silence, not of the whole transfer: archives of several GB take longer than any sensible limit.
_TIMEOUT_S = 60.0


def download(
    url: str, target: Path, part: Path | None = None, attempts: int = 5, progress: Progress = no_progress
) -> None:
    """Write the file at `url` to `target`, which appears only when it is whole.

    Parameters
    ----------
    url
        Address of the file.
    target
        The file to write, in the place of one that is there.
    part
        Where bytes lie until all have arrived. A broken connection, or a later call, resumes there (HTTP Range). None:
        `target` with `.part` at its end.
    attempts
        Number of tries.
    progress
        Called with the bytes that have arrived and those there will be.

    Raises
    ------
    InputError
        When the server refuses the file, or cannot be reached in all tries.
    """
    part = part or target.with_name(target.name + ".part")
    for attempt in range(1, attempts + 1):
        try:
            if _resume(url, part, progress):
                part.replace(target)
                return
            # urllib does not complain when fewer bytes arrive than were announced, if they are read in chunks.
            reason = "the connection closed early"
        except urllib.error.HTTPError as error:
            # A refusal stays one however often it is asked for; errors of the server (5xx) often pass.
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise InputError(_refusal(url, error)) from None
            reason = f"the server answers {error.code}"
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", error))
        if attempt < attempts:
            time.sleep(PAUSE_S)
    arrived = part.stat().st_size if part.exists() else 0
    raise InputError(
        f"{url}: cannot be downloaded ({reason}; {arrived} bytes have arrived); "
        "check the network and run the command again, it resumes there."
    )


def _resume(url: str, part: Path, progress: Progress) -> bool:
    """Append to `part` what is missing of it; say whether it is whole now."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            if start and response.status != HTTPStatus.PARTIAL_CONTENT:  # a server without ranges sends it all again
                start = 0
            return _append(response, part, start, progress)
    except urllib.error.HTTPError as error:
        # Asked to go on at its end, a server answers 416 with the file's size. If the part has that size, it is whole.
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return error.headers.get("Content-Range") == f"bytes */{start}" or _start_again(part)
        raise


def _append(response: HTTPResponse, part: Path, start: int, progress: Progress) -> bool:
    length = response.headers.get("Content-Length")
    total = start + int(length) if length is not None else 0
    done = start
    # Without a part to resume the file is cut to nothing first: bytes of another attempt must not stay at its end.
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := response.read(_CHUNK_BYTES):
            done += file.write(chunk)
            progress(done, total)
    # A server that sends no length leaves only the hash of the archive to tell.
    return length is None or done == total


def _start_again(part: Path) -> bool:
    """Remove a part that was begun from another file than the server has now."""
    part.unlink()
    return False


def _refusal(url: str, error: urllib.error.HTTPError) -> str:
    return (
        f"{url}: the server answers {error.code} ({error.reason}); look up the data set's page for its present address."
    )
