"""What a user sees while waiting: bars on a terminal, plain lines elsewhere. Figures, and their JSON file."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from raysynth.base.errors import InputError

Update = Callable[[int, int, str], None]
QUIET_S = 10.0
"""Plain lines without a message come no closer than this."""


class ShardReport(Protocol):
    """What a line about a shard is made from."""

    @property
    def shard(self) -> int: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def seconds(self) -> dict[str, float]: ...


R = TypeVar("R", bound=ShardReport)


@contextmanager
def progress(what: str) -> Iterator[Update]:
    """Shows the state of one long job on stderr; call what it yields with (done, in all, message)."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn(what), *columns, TextColumn("{task.fields[message]}"), console=console) as bar:
        task = bar.add_task(what, total=None, message="")

        def update(done: int, total: int, message: str = "") -> None:
            bar.update(task, completed=done, total=total, message=message)

        yield update


def _lines(what: str) -> Update:
    last = time.monotonic()

    def update(done: int, total: int, message: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if message or done == total or now - last >= QUIET_S:
            last = now
            print(f"{what} {done}/{total} {message}".rstrip(), file=sys.stderr, flush=True)

    return update


def track_shards(reports: Iterable[R], total: int, state: Callable[[], str]) -> Iterator[R]:
    """Pass on the reports of `total` shards and show each as it comes, with the state of the run."""
    with progress("shards") as update:
        for done, report in enumerate(reports, start=1):
            update(done, total, f"{describe_shard(report)}; {state()}")
            yield report


def describe_shard(report: ShardReport) -> str:
    """One line about a finished or failed shard."""
    if report.reason is not None:
        return f"shard {report.shard} failed: {report.reason}"
    cells, seconds = report.counts["cells"], sum(report.seconds.values())
    return f"shard {report.shard}: {cells} cells in {report.counts['frames']} frames, {seconds:.1f} s"


def show(figures: dict[str, Any], file: Path | None) -> None:
    """Print figures, one a line, groups indented; also write them to `file` as JSON."""
    for line in _figure_lines(figures):
        print(line)
    if file is not None:
        try:
            file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"--json {file}: cannot be written ({error.strerror}): choose another file") from None


def _figure_lines(figures: dict[Any, Any], indent: str = "") -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, dict):
            if value:
                yield f"{indent}{name}:"
                yield from _figure_lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value:.4g}" if isinstance(value, float) else f"{indent}{name}: {value}"
