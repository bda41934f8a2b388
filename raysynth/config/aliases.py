"""Old names of settings, which files written for earlier versions still use."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from raysynth.base.errors import InputError

Path = tuple[str, ...]

RENAMED: dict[Path, Path] = {
    ("evaluate", "real_share"): ("evaluate", "real_fraction"),
}
"""Old key path → new key path."""


def upgrade(config: dict[str, Any], renamed: Callable[[Path, Path], None] = lambda old, new: None) -> dict[str, Any]:
    """Give settings their present names.

    Parameters
    ----------
    config
        Settings as plain values, of a file, a manifest or a run's record. They may be incomplete.
    renamed
        Called with the old and the new key path of each setting that had its old name.

    Returns
    -------
    dict
        A copy that has the present names only.

    Raises
    ------
    InputError
        When a setting stands there under both names.
    """
    new_config = deepcopy(config)
    for old, new in RENAMED.items():
        group = _group(new_config, old[:-1])
        if group is None or old[-1] not in group:
            continue
        target = _group(new_config, new[:-1], create=True)
        if target is None:  # something else than a group stands there: validation will say so
            continue
        if new[-1] in target:
            raise InputError(f"{'.'.join(old)} is the old name of {'.'.join(new)}: remove one of the two.")
        target[new[-1]] = group.pop(old[-1])
        renamed(old, new)
    return new_config


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    """Give settings in the form in which those of a manifest and of a run are compared.

    Parameters
    ----------
    config
        Settings as a manifest or the index of a bank keeps them.

    Returns
    -------
    dict
        A copy with present names. `generate.dtype` is left out: early manifests keep a type there that was never
        obeyed, and the type that images have stands elsewhere in every manifest.
    """
    new_config = upgrade(config)
    if isinstance(generate := new_config.get("generate"), dict):
        generate.pop("dtype", None)
    return new_config


def _group(config: dict[str, Any], path: Path, create: bool = False) -> dict[str, Any] | None:
    """Find the group at a key path; None where there is none."""
    group: Any = config
    for key in path:
        # Nothing is validated yet, so anything may stand where a group is expected.
        if not isinstance(group, dict):
            return None
        group = group.setdefault(key, {}) if create else group.get(key)
    return group if isinstance(group, dict) else None
