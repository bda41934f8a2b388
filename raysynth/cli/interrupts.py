"""How a command ends when the user, or whatever runs it, stops it: one line, and the shell's usual exit code."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h\n"
"""A progress bar hides the cursor, and could not show it again while stderr was silent."""


class _Stopped(KeyboardInterrupt):
    """A signal has come; not an `Exception`, so that no handler of a shard's or a model's errors keeps it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """End the process in order on Ctrl-C and SIGTERM.

    What runs within is unwound as by an error: leases are given back and Ray is shut down. A second signal ends the
    process at once. The exit code is 130 for Ctrl-C and 143 for SIGTERM.

    Parameters
    ----------
    kept
        What is kept and how to resume, as a sentence without its full stop.
    """
    before = {each: signal.getsignal(each) for each in _SIGNALS} if _in_main_thread() else {}
    # For the last line: by then `_stop` has pointed descriptor 2 at nothing.
    stderr = os.dup(2)
    for each in before:
        signal.signal(each, _stop)
    try:
        yield
    except _Stopped as stopped:
        os.dup2(stderr, 2)
        if sys.stderr.isatty():
            sys.stderr.write(_SHOW_CURSOR)
        name = "Ctrl-C" if stopped.number == signal.SIGINT else "SIGTERM"
        print(f"raysynth: stopped by {name}: {kept}.", file=sys.stderr, flush=True)
        sys.exit(128 + stopped.number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        os.close(stderr)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # First of all, so that a second signal ends the process at whatever point this one has come to.
    for each in _SIGNALS:
        signal.signal(each, _end_at_once)
    # From here on Ray and its workers only say that they are being ended.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    raise _Stopped(number)


def _end_at_once(number: int, frame: FrameType | None) -> NoReturn:
    # `sys.exit` would unwind once more, through the very code that hangs.
    os._exit(128 + number)
