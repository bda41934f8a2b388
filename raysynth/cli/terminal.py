"""What a user of the command line sees: progress on stderr while waiting, and the report on stdout at the end."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from raysynth.base.errors import InputError
from raysynth.base.progress import Progress
from raysynth.base.reports import Report

_QUIET_S = 10.0
"""Plain lines without a message come no closer than this."""


@contextmanager
def shown_progress(what: str) -> Iterator[Progress]:
    """Show the state of one long job on stderr: a bar on a terminal, plain lines elsewhere.

    Parameters
    ----------
    what
        What is counted, such as `shards`.

    Yields
    ------
    Progress
        To be called by the work.
    """
    if not sys.stderr.isatty():
        yield _plain_lines(what)
        return
    from raysynth.cli.bar import Bar  # rich takes a while to import

    with Bar(what) as bar:
        yield bar.show


def show_report(report: Report, file: Path | None) -> None:
    """Print a report; also write it to a file as JSON.

    Parameters
    ----------
    report
        What a command found or made.
    file
        Where to write it; None: nowhere.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    # Before the file, so that one that cannot be written costs nobody the result.
    print(report)
    if file is not None:
        try:
            file.write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"--json {file}: cannot be written ({error.strerror}): choose another file") from None


def _plain_lines(what: str) -> Progress:
    last = time.monotonic()

    def show(done: int, total: int, message: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if message or done == total or now - last >= _QUIET_S:
            last = now
            count = f"{done}/{total}" if total else str(done)
            print(f"{what} {count} {message}".rstrip(), file=sys.stderr, flush=True)

    return show
