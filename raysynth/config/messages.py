"""Turns what pydantic finds wrong with settings into one sentence for the user."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from raysynth.config.yaml_text import Lines, Location, dotted

Known = Mapping[Location, FieldInfo]
"""Every setting that there is, by its key path."""


def describe(model: type[BaseModel], prefix: Location = ()) -> Iterator[tuple[Location, FieldInfo]]:
    """List every setting, groups before their members.

    Parameters
    ----------
    model
        `Config` or one of its groups.
    prefix
        Key path of that group.

    Yields
    ------
    Location, FieldInfo
        The key path of a setting, and its type, limits, default and description.
    """
    for name, field in model.model_fields.items():
        yield (*prefix, name), field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from describe(field.annotation, (*prefix, name))


def sentence(error: ValidationError, model: type[BaseModel], lines: Lines, source: str) -> str:
    """Say what the first wrong setting is, what is wrong with it, and how many more there are.

    Parameters
    ----------
    error
        What pydantic found.
    model
        The class of the settings that were read.
    lines
        Where each value was set.
    source
        What to name for a setting that was set nowhere, such as the file's path; empty: nothing, nor for an empty line.

    Returns
    -------
    str
        One sentence with its full stop.
    """
    known = dict(describe(model))
    problems: dict[Location, list[ErrorDetails]] = {}
    for detail in error.errors():
        if detail["type"] != "default_factory_not_called":  # only says that another setting is wrong
            problems.setdefault(_setting(detail, lines), []).append(detail)
    location, details = next(iter(problems.items()))
    line = next((lines[location[:n]] for n in range(len(location), 0, -1) if location[:n] in lines), source)
    others = f"; {len(problems) - 1} more to correct after it" if len(problems) > 1 else ""
    return f"{line + ': ' if line else ''}{_problem(location, details, known, lines)}{others}."


def _setting(detail: ErrorDetails, lines: Lines) -> Location:
    """Find the key path of an error: pydantic adds the branch of a union, and names a group for a combination."""
    location: Location = detail["loc"]
    if detail["type"] in ("extra_forbidden", "missing") or _is_left_out(detail, lines):
        return location
    # The longest part that the user wrote: what follows it are pydantic's names of types.
    while location and location not in lines:
        location = location[:-1]
    if detail["type"] == "value_error":
        # A validator of a whole group names settings in its message only; the first that the user wrote has a line.
        words = [tuple(word.split(".")) for word in re.findall(r"[a-z_][a-z_.]*[a-z_]", detail["msg"])]
        named = [path for word in words for path in ((*location, *word), word) if path in lines]
        return named[0] if named else location
    return location


def _is_left_out(detail: ErrorDetails, lines: Lines) -> bool:
    """Tell whether a group was neither given nor found by its default's function."""
    return detail["type"] == "model_type" and detail["input"] is None and detail["loc"] not in lines


def _problem(location: Location, details: list[ErrorDetails], known: Known, lines: Lines) -> str:
    """Say what is wrong with one setting and what to do about it."""
    detail, name = details[0], dotted(location)
    if detail["type"] == "extra_forbidden":
        return f"{name} is not a setting; {_nearest(location, known)}"
    field = known.get(location)
    about = f" ({field.description})" if field is not None and field.description else ""
    if detail["type"] == "missing" or _is_left_out(detail, lines):
        return f"{name} is missing; add it{about}"
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    # A union reports every branch; those that ask for the same are named once.
    wanted = " or ".join(dict.fromkeys(_wanted(each) for each in details))
    return (
        f"{name} must {wanted}, not {json.dumps(detail['input'], ensure_ascii=False, default=str)}; correct it{about}"
    )


def _wanted(detail: ErrorDetails) -> str:
    """Turn pydantic's message ("Input should be a valid array") into the end of a sentence that has said "must"."""
    if detail["type"] == "model_type":
        return "be a group of settings"
    wanted = re.sub(r"^\w+ should ", "", detail["msg"])
    # The bare `valid ` comes last, or the longer ones would no longer be found.
    plain = {"a valid array": "a list", "a valid string": "text", "a valid integer": "a whole number", "valid ": ""}
    for theirs, ours in plain.items():
        wanted = wanted.replace(theirs, ours)
    return wanted


def _nearest(location: Location, known: Known) -> str:
    """Suggest settings for a misspelt one: of the same name, beside it, then anywhere."""
    key = str(location[-1])
    beside = [str(path[-1]) for path in known if path[:-1] == location[:-1]]
    meant = [path for path in known if path[-1] == key]
    meant = meant or [(*location[:-1], name) for name in difflib.get_close_matches(key, beside, n=1)]
    # Among all groups a name must be closer than difflib asks for, or short ones would match anything.
    meant = meant or [path for path in known if difflib.get_close_matches(key, [str(path[-1])], cutoff=0.75)]
    if meant:
        return f"write {' or '.join(dotted(path) for path in meant[:3])} if that was meant"
    return f"remove it, or use one of {', '.join(beside)}" if beside else "remove it"
