"""Whole objects under one address, on a local disk or in an S3 bucket.

Every write is whole and atomic: obstore's local store writes to a staged name (`key#1`) and renames it, S3 shows an
object only when its upload ends. A reader therefore never sees half an object, whatever kills the writer.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

import obstore
from obstore.store import LocalStore, S3Store
from zarr.storage import ObjectStore

from raysynth.base.addresses import absolute as absolute
from raysynth.base.addresses import local_folder, open_bucket
from raysynth.base.conditional import create_object, swap_object
from raysynth.base.disk import STORE_ERRORS, flush_path, needing_room, unwritable
from raysynth.base.errors import InputError

_T = TypeVar("_T")
_R = TypeVar("_R")

_STAGED = re.compile(r"(.+)#\d+")
# These threads wait for a store and not for a CPU, so they may be more than cores. Each holds an object in memory, so
# they are not hundreds.
_CONNECTIONS = 16


def in_parallel(function: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Apply a function to every item, over a few threads to hide the latency of remote objects; results in order.

    Parameters
    ----------
    function
        What is applied.
    items
        Its arguments.
    """
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        return list(pool.map(function, items))


def _read_at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


class Objects:
    """The objects below one address, each with a key such as `done/00000.json`.

    Parameters
    ----------
    uri
        A folder, `file:///folder` or `s3://bucket/prefix`.
    create
        Whether to make the folder when it is not there.

    Attributes
    ----------
    uri
        The address, without a slash at its end.
    folder
        The local folder; None in a bucket.
    store
        The same as obstore opens it.

    Raises
    ------
    InputError
        For other schemes, for a folder that is not there and for one that cannot be made.
    RunError
        By every write, when the disk is full.
    FileNotFoundError
        By every read of an object that is not there.
    """

    def __init__(self, uri: str | Path, create: bool = False) -> None:
        given = str(uri)
        self.folder = local_folder(given)
        # `/` alone would be left without a name.
        self.uri = given.rstrip("/") or given
        self.store: LocalStore | S3Store = (
            open_bucket(given) if self.folder is None else self._local(self.folder, create)
        )

    def _local(self, folder: Path, create: bool) -> LocalStore:
        if not create and not folder.is_dir():
            raise InputError(f"{self.uri} is not a folder: name a data set that exists")
        try:
            return LocalStore(folder, mkdir=create)
        except STORE_ERRORS as error:
            raise unwritable(self.uri, error) from error

    def put(self, key: str, data: bytes) -> None:
        """Write one object atomically, replacing what was there.

        Parameters
        ----------
        key, data
            Name and content of the object.
        """
        with needing_room(self.uri):
            # In one request, although shards are large: a killed upload in parts leaves those in the bucket, unseen and
            # paid for.
            obstore.put(self.store, key, data, use_multipart=False)

    def put_new(self, key: str, data: bytes) -> bool:
        """Create one object atomically, unless it is there already: of several who try, one succeeds.

        Parameters
        ----------
        key, data
            Name and content of the object.

        Returns
        -------
        bool
            Whether this call created it.
        """
        with needing_room(self.uri):
            return create_object(self.store, self.folder, key, data)

    def swap(self, key: str, old: bytes, new: bytes | None) -> bool:
        """Replace or remove one object if it still holds what the caller has read.

        Of several who try with the same `old`, one succeeds. Only a removal in a bucket has a moment between the look
        and the deed, since S3 knows no conditional deletion.

        Parameters
        ----------
        key
            Name of the object.
        old, new
            The content that it must have, and the one that it gets; None: it is removed.

        Returns
        -------
        bool
            Whether this call changed it.
        """
        with needing_room(self.uri):
            return swap_object(self.store, self.folder, key, old, new)

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Write many objects, each atomically, in any order, and flush them.

        Parameters
        ----------
        objects
            Content by key.
        """
        in_parallel(lambda item: self.put(*item), objects.items())
        self.flush(objects)

    def flush(self, keys: Iterable[str]) -> None:
        """Wait until objects that were put, and the names that lead to them, would outlast a loss of power.

        Parameters
        ----------
        keys
            Names of the objects.
        """
        if self.folder is None:
            return  # what S3 has accepted is safe
        files = [self.folder / key for key in keys]
        # A new name is safe once its folder is flushed, and a new folder's own name once its parent is: hence all of
        # them.
        folders = {parent for file in files for parent in file.parents if parent.is_relative_to(self.folder)}
        with needing_room(self.uri):
            # Files before folders: no name may outlast a loss of power whose content does not.
            in_parallel(flush_path, files)
            in_parallel(flush_path, folders)

    def get(self, key: str) -> bytes:
        """Read one object.

        Parameters
        ----------
        key
            Name of the object.
        """
        # Here and below, plain files: obstore's threads do not outlive a fork, and a DataLoader forks its workers.
        if self.folder is not None:
            return (self.folder / key).read_bytes()
        return bytes(obstore.get(self.store, key).bytes())

    def get_ranges(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
        """Read parts of one object, with one request where they lie close together.

        Parameters
        ----------
        key
            Name of the object.
        starts, lengths
            First byte and number of bytes of each part.
        """
        if self.folder is None:
            return [bytes(part) for part in obstore.get_ranges(self.store, key, starts=starts, lengths=lengths)]
        with (self.folder / key).open("rb") as file:
            return [_read_at(file, start, length) for start, length in zip(starts, lengths, strict=True)]

    def get_tail(self, key: str, length: int) -> bytes:
        """Read the end of one object.

        Parameters
        ----------
        key
            Name of the object.
        length
            Number of bytes; a shorter object is read whole.
        """
        if self.folder is None:
            # A range from the end spares the request that would ask for the object's size.
            return bytes(obstore.get(self.store, key, options={"range": {"suffix": length}}).bytes())
        with (self.folder / key).open("rb") as file:
            return _read_at(file, max(0, file.seek(0, os.SEEK_END) - length), length)

    def keys(self, prefix: str = "") -> list[str]:
        """List the keys of the finished objects, sorted.

        Parameters
        ----------
        prefix
            Whole path segments that their names begin with; empty: all objects.
        """
        # obstore leaves staged names such as `key#1` out of its lists, so killed writers do not show here.
        return sorted(meta["path"] for batch in obstore.list(self.store, prefix or None) for meta in batch)

    def holds_other_than(self, prefix: str) -> bool:
        """Tell whether any object lies outside a prefix.

        Parameters
        ----------
        prefix
            What names of other objects do not begin with.
        """
        return any(not meta["path"].startswith(prefix) for batch in obstore.list(self.store) for meta in batch)

    def delete(self, key: str) -> None:
        """Remove one object if it is there.

        Parameters
        ----------
        key
            Name of the object.
        """
        try:
            # S3 answers alike whether the object was there or not; a local store raises.
            obstore.delete(self.store, key)
        except FileNotFoundError:
            return

    def zarr(self) -> ObjectStore[LocalStore | S3Store]:
        """Open the same address as a store that zarr only reads."""
        return ObjectStore(self.store, read_only=True)

    def sweep(self, own_keys: Callable[[], Collection[str]]) -> None:
        """Remove the staged files that killed writers left in a local folder, and no other file.

        Parameters
        ----------
        own_keys
            Gives the keys of objects that are written here, and that nobody is writing now. Only `key#N` of one of
            them is a staged file. It is called when files of such names are found.
        """
        found: list[tuple[Path, str]] = []
        # Its own walk, since obstore's lists leave these names out.
        for path in self.folder.rglob("*#*") if self.folder is not None else ():
            staged = _STAGED.fullmatch(path.relative_to(self.folder or path).as_posix())
            if staged and path.is_file():
                found.append((path, staged[1]))
        known = own_keys() if found else ()
        for path, key in found:
            if key in known:
                path.unlink()
