"""Local files and folders that appear whole or not at all.

Each is written under a temporary name beside its place, and renamed when it is finished. Whatever ends the writer, a
reader finds the old content, or the new one, or nothing; a killed writer leaves a hidden name behind.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from raysynth.base.disk import needing_room, unwritable
from raysynth.base.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Have a file written, which replaces the one of that name when the block ends without an error.

    Parameters
    ----------
    path
        The file. The folders that lead to it are made.

    Yields
    ------
    Path
        A name beside it, with the same ending, to write the file to.

    Raises
    ------
    InputError
        When it cannot be written.
    RunError
        When the disk is full.
    """
    path = Path(path)
    staged = _beside(path)
    try:
        with _saying_where(path, staged):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield staged
            staged.replace(path)
    finally:
        # After a rename, and where nothing was ever written, there is nothing to remove.
        with suppress(OSError):
            staged.unlink()


@contextmanager
def whole_folder(path: str | Path, replace: bool = False) -> Iterator[Path]:
    """Have a folder written, which takes its name when the block ends without an error.

    Parameters
    ----------
    path
        The folder. The folders that lead to it are made.
    replace
        Whether it takes the place of a folder that is there. Otherwise only an empty one may be there.

    Yields
    ------
    Path
        A new, empty folder beside it, to write its files into.

    Raises
    ------
    InputError
        When it cannot be written, and when it is in use and not to be replaced.
    RunError
        When the disk is full.
    """
    path = Path(path)
    if not replace:
        # Before the work as well: an export of hours shall not fail at its last step.
        refuse_used(path)
    staged, old = _beside(path), _beside(path)
    try:
        with _saying_where(path, staged):
            staged.mkdir(parents=True)
            yield staged
            if replace and path.exists():
                # A folder that holds something cannot be replaced in one step. For a moment nothing has the name; never
                # half a folder.
                path.rename(old)
            _take_name(staged, path, old)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def refuse_used(path: Path) -> None:
    """Refuse a folder that holds something, or a file of its name.

    Parameters
    ----------
    path
        The folder.

    Raises
    ------
    InputError
        When it is in use.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path} is in use: choose a folder that does not exist yet")


def _take_name(staged: Path, path: Path, old: Path) -> None:
    try:
        # An empty folder of that name gives way; one that was filled meanwhile makes this fail.
        staged.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise


def _beside(path: Path) -> Path:
    # In the same folder, so on the same disk: a rename is atomic nowhere else. The ending stays last, as Pillow and
    # numpy choose the format by it.
    return path.with_name(f".{secrets.token_hex(4)}.{path.name}")


@contextmanager
def _saying_where(path: Path, staged: Path) -> Iterator[None]:
    """Turn errors of writing into one sentence. Those of other files, such as what is copied, pass unchanged."""
    try:
        with needing_room(str(path)):
            yield
    except OSError as error:
        where = Path(error.filename) if isinstance(error.filename, str | Path) else None
        # `where` lies above `path` when a folder that leads to it could not be made.
        if where is not None and (where.is_relative_to(staged) or path.is_relative_to(where)):
            raise unwritable(str(path), error) from error
        raise
