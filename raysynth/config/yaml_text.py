"""Reads YAML and keeps the line that every setting stands on.

Scalars are those of YAML 1.2's core schema, so `01` and `no` stay text; `1e-3` is a number.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from raysynth.base.errors import InputError

Location = tuple[str | int, ...]
"""Keys and list indices that lead to one value."""

Values = dict[str, Any]
"""Plain values of a file, group by group."""

Lines = dict[Location, str]
"""Where each value was set: `file, line n`, or the override that set it."""


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema (`01` is left as text: it names a CTC sequence)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own name)


for _kind, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
}.items():
    # None: tried for any first character. YAML 1.1's dates, octal numbers and `<<` stay text.
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), None)


def parse_file(path: Path) -> tuple[Values, Lines]:
    """Read one YAML file of settings.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Values, Lines
        Its plain values, and the line that each of them starts at.

    Raises
    ------
    InputError
        When it cannot be read, is not YAML, holds no mapping, or sets a key twice.
    """
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        # Nodes know their lines and values do not, so the document is kept in both forms.
        root = loader.get_single_node()
        lines: Lines = {}
        if isinstance(root, yaml.MappingNode):
            _locate(root, (), str(path), lines)
            return loader.construct_document(root), lines
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a configuration file.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; give a YAML configuration file.") from None
    # An alias within its own anchor sends `_locate` round for ever.
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}{_yaml_problem(error)}; correct it there.") from None
    raise InputError(f"{path}: must be a YAML mapping of settings (`name: ...`, `data: ...`).")


def parse_value(text: str, line: str) -> Any:
    """Read the value of one setting.

    Parameters
    ----------
    text
        YAML, such as `[1, 0.2, 0.2]`.
    line
        Where it was written, for the message.

    Returns
    -------
    object
        The plain value.

    Raises
    ------
    InputError
        When it is not YAML.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{line}: the value{_yaml_problem(error)}; quote it.") from None


def dotted(location: Sequence[str | int]) -> str:
    """Write a location as in `generate.frames`.

    Parameters
    ----------
    location
        Keys and list indices.

    Returns
    -------
    str
        The keys with dots between.
    """
    return ".".join(str(part) for part in location)


def _yaml_problem(error: Exception) -> str:
    """Line and reason of a syntax error, ready to follow the file's name."""
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or "an alias that holds itself"
    return f"{f', line {mark.line + 1}' if mark else ''}: is not valid YAML ({reason})"


def _locate(node: yaml.Node, location: Location, name: str, lines: Lines) -> None:
    """Record the line of every key and item below `node`; a key given twice raises InputError."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*location, str(key.value))
            line = f"{name}, line {key.start_mark.line + 1}"
            if below in lines:
                raise InputError(f"{line}: {dotted(below)} is already set ({lines[below]}); remove one of the two.")
            lines[below] = line
            _locate(value, below, name, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*location, index)] = f"{name}, line {item.start_mark.line + 1}"
            _locate(item, (*location, index), name, lines)
