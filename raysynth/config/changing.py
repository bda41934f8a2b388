"""Changes of settings by code, judged as strictly as those of a file."""

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeVar

from pydantic import ValidationError

from raysynth.base.errors import InputError
from raysynth.config.base import Settings
from raysynth.config.messages import sentence
from raysynth.config.yaml_text import Lines, Location, Values

S = TypeVar("S", bound=Settings)


def changed(settings: S, changes: Mapping[str, Any]) -> S:
    """Copy settings with other values.

    Parameters
    ----------
    settings
        `Config` or one of its groups.
    changes
        Setting → new value; for a group a dictionary of its settings that change, or a whole group.

    Returns
    -------
    Settings
        A validated copy of the same class.

    Raises
    ------
    InputError
        For an unknown setting and for a value that it cannot have: one sentence.
    """
    # By way of plain values, because pydantic's own copy with changes checks none of them.
    values = merged(settings.model_dump(mode="json"), _plain(changes))
    lines: Lines = {}
    _locate(_plain(changes), (), lines)
    return validated(type(settings), values, lines, "")


def validated(model: type[S], values: Values, lines: Lines, source: str) -> S:
    """Make settings of plain values.

    Parameters
    ----------
    model
        `Config` or one of its groups.
    values
        Plain values of its settings.
    lines
        Where each value was set, for the message.
    source
        What to name for a setting that was set nowhere; empty: nothing.

    Returns
    -------
    Settings
        The settings.

    Raises
    ------
    InputError
        For an unknown setting and for a value that it cannot have: one sentence.
    """
    try:
        # JSON's strict mode takes lists for tuples and whole numbers for floats, but no text for a number.
        return model.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise InputError(sentence(error, model, lines, source)) from None


def merged(base: Values, over: Values) -> Values:
    """Lay values over others, group by group.

    Parameters
    ----------
    base
        Values below.
    over
        Values that win.

    Returns
    -------
    Values
        Both together.
    """
    both = {key: merged(base[key], value) for key, value in over.items() if _are_groups(base.get(key), value)}
    # Only groups are laid over one another: a list is replaced whole, as half of it would mean nothing.
    return base | over | both


def _are_groups(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _plain(value: Any) -> Any:
    """Values as JSON holds them, so that code may give paths, tuples, whole groups and numbers of numpy."""
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, PurePath):
        return str(value)
    return value.item() if hasattr(value, "item") and hasattr(value, "dtype") else value


def _locate(value: Any, location: Location, lines: Lines) -> None:
    """Note every changed setting: code has no lines to name."""
    if isinstance(value, dict):
        for key, member in value.items():
            lines[(*location, key)] = ""
            _locate(member, (*location, key), lines)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            lines[(*location, index)] = ""
            _locate(member, (*location, index), lines)
