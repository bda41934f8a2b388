"""What a command found or made: frozen records that print themselves and turn into JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any


class Report:
    """Mixin of the frozen dataclasses that public functions return.

    `str(report)` is what the command line prints: a line for each value, groups indented. A report with a shorter
    way to say it overrides `__str__`; one whose JSON has other keys than its fields overrides `to_json`.
    """

    def to_json(self) -> dict[str, Any]:
        """Return all fields as values that JSON can hold: what `--json` writes.

        Returns
        -------
        dict
            Field name → plain value; records within become dictionaries, tuples become lists, paths become text.
        """
        return {name: plain(value) for name, value in _members(self)}

    def __str__(self) -> str:
        return "\n".join(value_lines(self.to_json()))


def plain(value: object) -> Any:
    """Turn a value into one that JSON can hold.

    Parameters
    ----------
    value
        A report, a dataclass, a mapping, a list, tuple or set, a path, a scalar of numpy, or a plain value.

    Returns
    -------
    object
        Dictionaries with text as keys, lists, text, numbers, booleans and None.
    """
    # Before the fields of any dataclass: a report may have keys of its own.
    if isinstance(value, Report):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(member) for name, member in _members(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, set | frozenset):
        # A set has no order of its own, and equal reports shall give equal JSON.
        return [plain(member) for member in sorted(value)]
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "item") and hasattr(value, "dtype"):  # a scalar of numpy, without importing numpy
        return value.item()
    return value


def value_lines(values: Mapping[Any, Any], indent: str = "") -> Iterator[str]:
    """Write values as text, one per line.

    Parameters
    ----------
    values
        Name → value. A dictionary within is a group; empty groups are left out.
    indent
        Blanks before every line.

    Yields
    ------
    str
        `name: value`, floats with four digits.
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            if value:
                yield f"{indent}{name}:"
                yield from value_lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value:.4g}" if isinstance(value, float) else f"{indent}{name}: {value}"


def _members(record: Any) -> Iterator[tuple[str, Any]]:
    return ((field.name, getattr(record, field.name)) for field in fields(record))
