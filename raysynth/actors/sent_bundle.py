"""A bundle travels from the driver to actors on nodes that do not see the driver's folders."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.config.shipped import is_bundle
from raysynth.train.shipping import Parcel, pack_folder, unpack_folder


@dataclass(frozen=True)
class SentBundle:
    """A bundle in Ray's object store, sent once at the cost of its size there.

    Attributes
    ----------
    source
        The driver's folder of it.
    digest
        Its digest.
    parcel
        Its files, which live as long as this does in the driver.
    """

    source: Path
    digest: str
    parcel: Parcel = field(repr=False)

    def folder(self) -> Path:
        """Find the files on this node.

        Returns
        -------
        Path
            The driver's folder if it is seen here, else a copy in the user's cache, which is made once per node.

        Raises
        ------
        InputError
            When the copy has been altered since.
        """
        # By digest, since another node may have another bundle at the same path.
        if is_bundle(self.source) and open_bundle(self.source).digest == self.digest:
            return self.source
        # Named by its digest, so a bundle that is trained again never meets files of the old one.
        copy = bundle_cache() / self.digest
        unpack_folder(self.parcel, copy)
        if open_bundle(copy).digest != self.digest:
            raise InputError(f"{copy} is not the bundle that was put there: delete the folder")
        return copy


def send(bundle: Bundle) -> SentBundle:
    """Put a bundle into the object store of the cluster that this process is connected to.

    Parameters
    ----------
    bundle
        The bundle.

    Returns
    -------
    SentBundle
        What actors find it by.
    """
    return SentBundle(bundle.folder.absolute(), bundle.digest, pack_folder(bundle.folder))


def bundle_cache() -> Path:
    """Tell the user's folder of unpacked bundles: below $XDG_CACHE_HOME, else ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raysynth" / "bundles"
