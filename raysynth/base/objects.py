"""Whole objects under one URI, on a local disk or in an S3 bucket.

Every write is whole and atomic: obstore's local store writes to a staged name (`key#1`) and renames it, S3 shows an
object only when its upload ends. A reader therefore never sees half an object, whatever kills the writer.
"""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store
from zarr.storage import ObjectStore

from raysynth.base.errors import InputError, RunError

T = TypeVar("T")
R = TypeVar("R")

# obstore raises children of OSError where one fits, else its own.
STORE_ERRORS = (BaseError, OSError)
STAGED = re.compile(r"#\d+$")
NO_ROOM, OS_ERROR = (errno.ENOSPC, errno.EDQUOT), re.compile(r"os error (\d+)")
CONNECTIONS = 16


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`function` of every item, in order, over a few threads: hides the latency of remote objects."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(function, items))


def unwritable(uri: str, error: Exception) -> InputError:
    """What to tell the user when `uri` cannot be written. obstore's debug text, below the first line, is left out."""
    reason = str(error).split("\n", 1)[0]
    return InputError(f"{uri} cannot be written ({reason}): choose another output or make this one writable")


def local_folder(uri: str) -> Path | None:
    """The folder that a plain path or a file:// address names; None for other schemes."""
    if "://" not in uri:
        return Path(uri).expanduser().absolute()
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" and parts.netloc in ("", "localhost") else None


def _s3(uri: str) -> S3Store:
    """A store on `s3://bucket/prefix`; endpoint, region and keys come from the usual AWS_* environment variables."""
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or not prefix:
        raise InputError(f"{uri!r} is not a place for data: give a folder, a file:// address or s3://bucket/prefix")
    return S3Store(parts.netloc, prefix=prefix, client_options={"allow_http": True})


@contextmanager
def _needing_room(uri: str) -> Iterator[None]:
    """Tell a full disk, or a used-up quota, from other errors: no other shard would fare better."""
    try:
        yield
    except STORE_ERRORS as error:
        told = OS_ERROR.search(str(error))  # obstore's own errors carry the number in their text
        if (error.errno if isinstance(error, OSError) and error.errno else told and int(told[1])) in NO_ROOM:
            raise RunError(f"{uri} has no room left: make some, then give the same command again") from error
        raise


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


class Objects:
    """The objects below `uri`, each with a key such as `done/00000.json`.

    uri: a folder, `file:///folder` or `s3://bucket/prefix`.
    create: make the folder when it is not there.
    Raises InputError for other schemes, for a folder that is not there and for one that cannot be made.
    """

    def __init__(self, uri: str, create: bool = False) -> None:
        self.uri = uri.rstrip("/") or uri
        self.folder = local_folder(self.uri)
        self.store: LocalStore | S3Store = _s3(self.uri) if self.folder is None else self._local(self.folder, create)

    def _local(self, folder: Path, create: bool) -> LocalStore:
        if not create and not folder.is_dir():
            raise InputError(f"{self.uri} is not a folder: name a data set that exists")
        try:
            return LocalStore(folder, mkdir=create)
        except STORE_ERRORS as error:
            raise unwritable(self.uri, error) from error

    def put(self, key: str, data: bytes) -> None:
        """Write one object atomically, replacing what was there; RunError when the disk is full."""
        with _needing_room(self.uri):
            obstore.put(self.store, key, data, use_multipart=False)

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Write many objects, each atomically, in any order, and flush them."""
        in_parallel(lambda item: self.put(*item), objects.items())
        self.flush(objects)

    def flush(self, keys: Iterable[str]) -> None:
        """Wait until objects that were put, and the names that lead to them, would outlast a loss of power."""
        if self.folder is None:
            return  # what S3 has accepted is safe
        files = [self.folder / key for key in keys]
        folders = {parent for file in files for parent in file.parents if parent.is_relative_to(self.folder)}
        with _needing_room(self.uri):
            in_parallel(_fsync, files)
            in_parallel(_fsync, folders)

    def get(self, key: str) -> bytes:
        """Read one object; FileNotFoundError when it is not there."""
        # Here and below, plain files: obstore's threads do not outlive a fork, and a DataLoader forks its workers.
        if self.folder is not None:
            return (self.folder / key).read_bytes()
        return bytes(obstore.get(self.store, key).bytes())

    def get_ranges(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
        """Parts of one object, with one request where they lie close together."""
        if self.folder is None:
            return [bytes(part) for part in obstore.get_ranges(self.store, key, starts=starts, lengths=lengths)]
        with (self.folder / key).open("rb") as file:
            return [_read_at(file, start, length) for start, length in zip(starts, lengths, strict=True)]

    def get_tail(self, key: str, length: int) -> bytes:
        """The last `length` bytes of one object, or all of a shorter one."""
        if self.folder is None:
            return bytes(obstore.get(self.store, key, options={"range": {"suffix": length}}).bytes())
        with (self.folder / key).open("rb") as file:
            return _read_at(file, max(0, file.seek(0, os.SEEK_END) - length), length)

    def keys(self, prefix: str = "") -> list[str]:
        """Sorted keys of the finished objects below `prefix` (whole path segments)."""
        return sorted(meta["path"] for batch in obstore.list(self.store, prefix or None) for meta in batch)

    def holds_other_than(self, prefix: str) -> bool:
        """Whether any object lies outside `prefix`."""
        return any(not meta["path"].startswith(prefix) for batch in obstore.list(self.store) for meta in batch)

    def delete(self, key: str) -> None:
        """Remove one object if it is there."""
        try:
            obstore.delete(self.store, key)
        except FileNotFoundError:
            return

    def zarr(self, read_only: bool = True) -> ObjectStore[LocalStore | S3Store]:
        """The same place as a store for zarr."""
        return ObjectStore(self.store, read_only=read_only)

    def sweep(self, spare: str) -> None:
        """Remove staged files that killed writers left, but below `spare`. Only for when nobody writes elsewhere."""
        if self.folder is not None:
            for path in self.folder.rglob("*#*"):
                if STAGED.search(path.name) and not path.is_relative_to(self.folder / spare):
                    path.unlink()
