"""`manifest.json`: everything that determines the bytes of a data set, and nothing else.

Times, hosts and attempts go to `runs/`. Complete data sets with equal manifests are equal, byte for byte.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError, damaged
from raysynth.config.aliases import comparable
from raysynth.store.spec import DatasetSpec

MANIFEST_KEY = "manifest.json"
BYTES_SINCE = "0.1.0"
"""The first release of raysynth that makes the same bytes as this one.

Manifests and banks name it in the place of raysynth's own version, so that a release which changes no byte resumes what
an earlier one began. Raise it together with a change of what is made.
"""

_FORMAT = 1
_SHOWN = 4


class Manifest(BaseModel):
    """What determines the bytes.

    Attributes
    ----------
    format
        Version of the manifest's own layout.
    config
        The resolved settings as plain JSON values, without those that leave the bytes alone (number of frames, output
        folder, number of actors, attempts), which the caller drops.
    bundle
        Hash of the model bundle, or of the cell bank.
    versions
        Version of each package by name; that of raysynth is `BYTES_SINCE`.
    device
        Type of device, `cpu` or `cuda`.
    seed
        The random seed.
    dataset
        The shape of the data set.
    counts
        Deterministic totals over all finished shards, written by `finalise`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = _FORMAT
    config: dict[str, Any]
    bundle: str
    versions: dict[str, str]
    device: str
    seed: int
    dataset: DatasetSpec
    counts: dict[str, int] = {}

    def to_bytes(self) -> bytes:
        """Write canonical JSON."""
        return canonical_json(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, data: bytes, uri: str) -> "Manifest":
        """Parse a manifest.

        Parameters
        ----------
        data
            Its JSON.
        uri
            Address of its data set, for messages.

        Raises
        ------
        InputError
            When it is damaged or of another format.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise damaged(f"{uri}/{MANIFEST_KEY}", error, "restore it or generate anew") from None


def _flatten(value: object, path: str = "") -> dict[str, object]:
    # An empty group is a value too: without its name it would equal a group that is not there.
    if not isinstance(value, dict) or not value:
        return {path: value}
    flat: dict[str, object] = {}
    for key, item in value.items():
        flat |= _flatten(item, f"{path}.{key}" if path else str(key))
    return flat


def differences(existing: Manifest, new: Manifest) -> dict[str, tuple[object, object]]:
    """Find what differs between two manifests. Frames and counts may differ.

    Parameters
    ----------
    existing, new
        The manifest of a data set, and the one that it shall be resumed with.

    Returns
    -------
    dict of str to tuple
        Both values by dotted name; None where one side lacks it.
    """
    left, right = _compared(existing), _compared(new)
    names = sorted(left.keys() | right.keys())
    # A name that one side lacks counts as null there, so a new setting whose default is null keeps older data sets
    # resumable.
    return {n: (left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)}


def _compared(manifest: Manifest) -> dict[str, object]:
    """Every value that must be the same in a data set that is resumed, by its dotted name."""
    values = manifest.model_dump(mode="json", exclude={"counts": True, "dataset": {"frames"}})
    return _flatten(values | {"config": comparable(manifest.config)})


def check_same(existing: Manifest, new: Manifest, uri: str) -> None:
    """Refuse to resume a data set that was made from something else, or is larger than what is asked for.

    Parameters
    ----------
    existing, new
        The manifest of the data set, and the one that it shall be resumed with.
    uri
        Its address, for messages.

    Raises
    ------
    InputError
        When it cannot be resumed.
    """
    if found := differences(existing, new):
        shown = [f"{name} is {there!r} there and {here!r} now" for name, (there, here) in list(found.items())[:_SHOWN]]
        more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise InputError(
            f"{uri} was made from other settings ({', '.join(shown)}{more}): use the same ones, or another output"
        )
    if new.dataset.frames < existing.dataset.frames:
        raise InputError(
            f"{uri} already holds {existing.dataset.frames} frames, more than the {new.dataset.frames} asked for: "
            "ask for at least as many, or use another output"
        )
