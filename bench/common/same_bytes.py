"""Whether two data sets hold the same bytes: every object counts but the records of their runs."""

import hashlib

from raysynth.base.objects import Objects
from raysynth.store.dataset import RUNS

Hashes = dict[str, str]
"""SHA-256 of each object, by key."""


def hashes(uri: str) -> Hashes:
    """Hash every object of a data set but those of its runs.

    Parameters
    ----------
    uri
        Folder or `s3://` address of the data set.

    Returns
    -------
    Hashes
        Hexadecimal SHA-256 by key.
    """
    target = Objects(uri)
    return {key: hashlib.sha256(target.get(key)).hexdigest() for key in target.keys("") if not key.startswith(RUNS)}


def differing(a: Hashes, b: Hashes) -> list[str]:
    """Compare two data sets.

    Parameters
    ----------
    a, b
        Hashes of their objects.

    Returns
    -------
    list[str]
        Keys that only one of them has, or whose objects differ.
    """
    return sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))
