"""What files on a local disk need beside obstore: errors, full disks and flushing."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obstore.exceptions import BaseError

from raysynth.base.errors import InputError, RunError, first_line

STORE_ERRORS = (BaseError, OSError)
"""What a failed read or write raises: obstore has children of OSError where one fits, else its own."""

# How Rust ends the text of an error: `No space left on device (os error 28)`.
_OS_ERROR = re.compile(r"os error (\d+)")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def unwritable(target: str, error: Exception) -> InputError:
    """Say that a file, folder or data set cannot be written.

    Parameters
    ----------
    target
        The path or address that was to be written.
    error
        What the write raised. obstore's debug text, below the first line, is left out.

    Returns
    -------
    InputError
        To be raised by the caller.
    """
    return InputError(
        f"{target} cannot be written ({first_line(error)}): choose another output or make this one writable"
    )


@contextmanager
def needing_room(target: str) -> Iterator[None]:
    """Turn a full disk, or a used-up quota, into a RunError; other errors pass unchanged.

    Parameters
    ----------
    target
        The address that is written to, for the message.

    Raises
    ------
    RunError
        When there is no room left: no other shard would fare better.
    """
    try:
        yield
    except STORE_ERRORS as error:
        if os_error(error) in _NO_ROOM:
            raise RunError(f"{target} has no room left: make some, then give the same command again") from error
        raise


def os_error(error: Exception) -> int | None:
    """Find the operating system's number of an error.

    Parameters
    ----------
    error
        An OSError, or one of obstore's own errors, which carry the number in their text.

    Returns
    -------
    int or None
        One of the numbers in `errno`; None when there is none.
    """
    # obstore's own children of OSError have no errno; theirs stands in the text alone.
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _OS_ERROR.search(str(error))
    return int(found[1]) if found else None


def flush_path(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlast a loss of power.

    Parameters
    ----------
    path
        A file or folder.
    """
    # A folder cannot be opened for writing, and fsync needs no more than this for files either.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
