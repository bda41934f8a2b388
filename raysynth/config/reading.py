"""Reads a configuration and names the line of whatever is wrong in it.

A file may start from another one: `extends: other.yaml` (relative to itself, or the name of one that comes with the
package) takes every setting of the other file that it does not set.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raysynth.base.errors import InputError, first_line
from raysynth.config import Config
from raysynth.config.aliases import RENAMED, upgrade
from raysynth.config.changing import merged, validated
from raysynth.config.shipped import find_config, shipped_config, shipped_names
from raysynth.config.yaml_text import Lines, Values, dotted, parse_file, parse_value


def load(config: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration.

    Parameters
    ----------
    config
        Path of a YAML file, or the name of a configuration that comes with the package, such as `demo-2d`. Relative
        folders in it are relative to the current folder.
    overrides
        Changes as `key.path=value`, applied in order.

    Returns
    -------
    Config
        All settings.

    Raises
    ------
    InputError
        One sentence that names the file and line (or the override), the setting, what is wrong and what to do.
    """
    path = find_config(config)
    values, lines = _read(path, ())
    for override in overrides:
        _apply(override, values, lines)
    return validated(Config, _with_present_names(values, lines), lines, str(path))


def _read(path: Path, children: tuple[Path, ...]) -> tuple[Values, Lines]:
    """Read one file and lay it over the file it extends."""
    values, lines = parse_file(path)
    # An anchored group stands in several places at once: a copy of its own in each, so that one can change alone.
    values = _with_present_names(_unshared(values), lines)
    parent = values.pop("extends", None)
    if parent is None:
        return values, lines
    found = _extended(parent, path, (*children, path.resolve()), lines[("extends",)])
    base, base_lines = _read(found, (*children, path.resolve()))
    # Both have present names by now, so a setting meets itself whichever name each file used.
    return merged(base, values), base_lines | lines


def _unshared(value: Any) -> Any:
    """Copy values so that no two groups are one object, as those of an anchor and its aliases are."""
    if isinstance(value, dict):
        return {key: _unshared(member) for key, member in value.items()}
    return [_unshared(member) for member in value] if isinstance(value, list) else value


def _extended(parent: object, path: Path, children: tuple[Path, ...], line: str) -> Path:
    """Find the file that `extends: parent` names in the file `path`; children: the files that lead here."""
    if not isinstance(parent, str):
        raise InputError(f"{line}: extends must be the name of another configuration file.")
    beside = [path.parent / parent, path.parent / f"{parent}.yaml", shipped_config(parent)]
    there = [file for file in beside if file is not None and file.is_file()]
    # Files on the way here are passed over, so that a file may extend the shipped one of its own name.
    for file in there:
        if file.resolve() not in children:
            return file
    if there:
        raise InputError(f"{line}: extends leads back to {parent}; remove one of the two.")
    raise InputError(
        f"{line}: extends names {parent}, which is neither beside {path.name} nor one of "
        f"{', '.join(shipped_names())}; correct the name."
    )


def _apply(override: str, values: Values, lines: Lines) -> None:
    """Set one `key.path=value` in `values`, in place."""
    line = f"--set {override}"
    path, equals, text = override.partition("=")
    keys: tuple[str, ...] = tuple(path.strip().split("."))
    if not equals or not all(keys):
        raise InputError(f"{line}: is not of the form key.path=value; write for example --set generate.frames=100.")
    if keys in RENAMED:
        _say_renamed(line, keys, RENAMED[keys])
        keys = RENAMED[keys]
    group: Any = values
    for depth, key in enumerate(keys[:-1], 1):
        group = group.setdefault(key, {})
        if not isinstance(group, dict):
            raise InputError(f"{line}: {dotted(keys[:depth])} is no group of settings; remove what follows its name.")
        lines.setdefault(keys[:depth], line)
    group[keys[-1]] = parse_value(text, line)
    # Lines of what stood below: those values are replaced.
    for old in [location for location in lines if location[: len(keys)] == keys]:
        del lines[old]
    lines[keys] = line


def _with_present_names(values: Values, lines: Lines) -> Values:
    """Give settings their present names; say each renamed one on stderr, and move its line."""

    def renamed(old: tuple[str, ...], new: tuple[str, ...]) -> None:
        # A group that an override sets whole has one line for all its settings.
        _say_renamed(lines.get(old) or lines[old[:-1]], old, new)
        for location in [location for location in lines if location[: len(old)] == old]:
            lines[(*new, *location[len(old) :])] = lines.pop(location)

    try:
        return upgrade(values, renamed)
    except InputError as error:
        raise InputError(f"{next(iter(lines.values()))}: {first_line(error)}.") from None


def _say_renamed(line: str, old: Sequence[str], new: Sequence[str]) -> None:
    print(f"{line}: {dotted(old)} is now called {dotted(new)}; the old name still works.", file=sys.stderr)
