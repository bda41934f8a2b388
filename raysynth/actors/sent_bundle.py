"""A bundle travels from the driver to actors on nodes that do not see the driver's folders."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.train.shipping import Parcel, pack, unpack


@dataclass(frozen=True)
class SentBundle:
    """A bundle's files in Ray's object store, the driver's folder of them and their digest.

    Sent at the cost of its size in the store, once; the objects live as long as this does in the driver.
    """

    source: Path
    digest: str
    parcel: Parcel = field(repr=False)

    def folder(self) -> Path:
        """Where the files lie on this node: the driver's folder if it is seen here, else a copy in the user's cache.

        The copy is made once a node. Raises InputError when it has been altered since.
        """
        if (self.source / "bundle.json").is_file() and open_bundle(str(self.source)).digest == self.digest:
            return self.source
        copy = cache() / self.digest
        unpack(self.parcel, copy)
        if open_bundle(str(copy)).digest != self.digest:
            raise InputError(f"{copy} is not the bundle that was put there: delete the folder")
        return copy


def send(bundle: Bundle) -> SentBundle:
    """Put `bundle` into the object store of the cluster that this process is connected to."""
    return SentBundle(bundle.folder.absolute(), bundle.digest, pack(bundle.folder))


def cache() -> Path:
    """The user's folder of unpacked bundles: below $XDG_CACHE_HOME, else ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raysynth" / "bundles"
