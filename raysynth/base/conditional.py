"""Writes that depend on what is there: of several processes that try at one moment, exactly one succeeds.

S3 has conditional puts. On a local disk a new object is a hard link, which fails when the name is taken, and an object
is replaced under the lock of its file.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import LocalStore, S3Store

from raysynth.base.disk import STORE_ERRORS, os_error

# How file systems without hard links answer, such as exFAT and some network disks; EMLINK: a file has too many of them.
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)


def create_object(store: LocalStore | S3Store, folder: Path | None, key: str, data: bytes) -> bool:
    """Create one object, unless it is there already.

    Parameters
    ----------
    store, folder
        Where the object lies; folder: of a local store, else None.
    key, data
        Name and content of the object.

    Returns
    -------
    bool
        Whether this call created it.
    """
    try:
        # In one request: an upload in parts has no such condition.
        obstore.put(store, key, data, mode="create", use_multipart=False)
    except (AlreadyExistsError, FileExistsError):
        return False
    except STORE_ERRORS as error:
        if folder is None or os_error(error) not in _NO_LINKS:
            raise
        return _create_file(folder / key, data)
    return True


def _create_file(path: Path, data: bytes) -> bool:
    """Create a file on a disk that knows no hard links; a reader may see a part of it for a moment."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def swap_object(store: LocalStore | S3Store, folder: Path | None, key: str, old: bytes, new: bytes | None) -> bool:
    """Replace or remove one object if it still holds what the caller has read.

    Parameters
    ----------
    store, folder
        Where the object lies; folder: of a local store, else None.
    key
        Name of the object.
    old, new
        The content that it must have, and the one that it gets; None: it is removed.

    Returns
    -------
    bool
        Whether this call changed it.
    """
    if folder is None:
        return _swap_remote(store, key, old, new)
    with _locked(folder / key) as present:
        if present != old:
            return False
        if new is None:
            (folder / key).unlink()
        else:
            obstore.put(store, key, new, use_multipart=False)
        return True


def _swap_remote(store: LocalStore | S3Store, key: str, old: bytes, new: bytes | None) -> bool:
    try:
        found = obstore.get(store, key)
        if bytes(found.bytes()) != old:
            return False
        if new is None:
            obstore.delete(store, key)
        else:
            # The tag belongs to the bytes that were just compared. Whoever writes in between changes it, and the put is
            # refused.
            obstore.put(store, key, new, mode={"e_tag": found.meta["e_tag"]}, use_multipart=False)
    except (FileNotFoundError, PreconditionError):
        return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[bytes | None]:
    """Hold the lock of a file that is only ever replaced whole, by holders of its lock; yields its content.

    The lock is that of the file's inode. Whoever waited for it while the file was replaced finds another inode under
    the name, and gets None. The lock ends with its process, so a killed one leaves none behind.
    """
    try:
        # NFS grants an exclusive lock only to a file that is open for writing; a local disk asks for no more than
        # reading.
        handle = os.open(path, os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    with os.fdopen(handle, "rb") as file:
        with suppress(OSError):  # some network disks know no locks: there, two replacements at one moment may race
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.read() if _is_at(handle, path) else None


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
