"""What sameness covers of a data set: every object but the records of its runs. Imported by other files here."""

import hashlib

from raysynth.base.objects import Objects
from raysynth.store.dataset import RUNS

Hashes = dict[str, str]


def hashes(uri: str) -> Hashes:
    """SHA-256 of every object of the data set at `uri`, by key, those of its runs left out."""
    target = Objects(uri)
    return {key: hashlib.sha256(target.get(key)).hexdigest() for key in target.keys("") if not key.startswith(RUNS)}


def differing(a: Hashes, b: Hashes) -> list[str]:
    """Keys of the objects that only one of two data sets has, or that are not the same in both."""
    return sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))
