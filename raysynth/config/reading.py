"""Reads a configuration file and names the line of whatever is wrong in it.

A file may start from another one: `extends: other.yaml` (relative to itself) takes every setting of the other file that
it does not set. Plain YAML 1.2 scalars are understood, so `01` and `no` stay text; `1e-3` is a number.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from raysynth.base.errors import InputError
from raysynth.config import Config

Location = tuple[str | int, ...]
Values = dict[str, Any]
Places = dict[Location, str]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema (`01` is left as text: it names a CTC sequence)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own name)


for _kind, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
}.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), None)


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in the YAML file `path`, with each override `key.path=value` applied in order.

    Relative folders in it are relative to the current directory. Raises InputError: one sentence that names the file
    and line (or the override), the setting, what is wrong and what to do.
    """
    values, places = _read(Path(path), ())
    for override in overrides:
        _apply(override, values, places)
    try:
        # JSON's strict mode takes lists for tuples and whole numbers for floats, but no text for a number.
        return Config.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise InputError(_sentence(error, values, places, str(path))) from None


def describe(model: type[BaseModel] = Config, prefix: Location = ()) -> Iterator[tuple[Location, FieldInfo]]:
    """Every setting below `model` with its key path, groups before their members."""
    for name, field in model.model_fields.items():
        yield (*prefix, name), field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from describe(field.annotation, (*prefix, name))


def _read(path: Path, children: tuple[Path, ...]) -> tuple[Values, Places]:
    """Values and places of one file, laid over those of the file it extends."""
    values, places = _parse(path)
    parent = values.pop("extends", None)
    if parent is None:
        return values, places
    where = places[("extends",)]
    if not isinstance(parent, str):
        raise InputError(f"{where}: extends must be the name of another configuration file.")
    children = (*children, path.resolve())
    if (path.parent / parent).resolve() in children:
        raise InputError(f"{where}: extends leads back to {parent}; remove one of the two.")
    if not (path.parent / parent).is_file():
        raise InputError(f"{where}: extends names {parent}, which is not beside {path.name}; correct the name.")
    base, base_places = _read(path.parent / parent, children)
    return _merge(base, values), base_places | places


def _merge(base: Values, over: Values) -> Values:
    """`over` on top of `base`, group by group."""
    both = {key: _merge(base[key], value) for key, value in over.items() if _are_groups(base.get(key), value)}
    return base | over | both


def _are_groups(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _parse(path: Path) -> tuple[Values, Places]:
    """Plain values of one YAML file and the line each key path starts at."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        places: Places = {}
        if isinstance(root, yaml.MappingNode):
            _locate(root, (), str(path), places)
            return loader.construct_document(root), places
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a configuration file.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; give a YAML configuration file.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}{_yaml_problem(error)}; correct it there.") from None
    raise InputError(f"{path}: must be a YAML mapping of settings (`name: ...`, `data: ...`).")


def _yaml_problem(error: Exception) -> str:
    """Line and reason of a syntax error, ready to follow the file's name."""
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or "an alias that holds itself"
    return f"{f', line {mark.line + 1}' if mark else ''}: is not valid YAML ({reason})"


def _locate(node: yaml.Node, location: Location, name: str, places: Places) -> None:
    """Record the line of every key and item below `node`; a key given twice raises InputError."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*location, str(key.value))
            place = f"{name}, line {key.start_mark.line + 1}"
            if below in places:
                raise InputError(f"{place}: {_dotted(below)} is already set ({places[below]}); remove one of the two.")
            places[below] = place
            _locate(value, below, name, places)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            places[(*location, index)] = f"{name}, line {item.start_mark.line + 1}"
            _locate(item, (*location, index), name, places)


def _apply(override: str, values: Values, places: Places) -> None:
    """Set one `key.path=value` in `values`, in place."""
    place = f"--set {override}"
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise InputError(f"{place}: is not of the form key.path=value; write for example --set generate.frames=100.")
    group: Any = values
    for depth, key in enumerate(keys[:-1], 1):
        group = group.setdefault(key, {})
        if not isinstance(group, dict):
            raise InputError(f"{place}: {_dotted(keys[:depth])} is no group of settings; remove what follows its name.")
        places.setdefault(tuple(keys[:depth]), place)
    try:
        group[keys[-1]] = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{place}: the value{_yaml_problem(error)}; quote it.") from None
    for old in [location for location in places if location[: len(keys)] == tuple(keys)]:
        del places[old]
    places[tuple(keys)] = place


def _sentence(error: ValidationError, values: Values, places: Places, path: str) -> str:
    """One sentence for the first setting that is wrong, and how many more there are."""
    problems: dict[Location, list[ErrorDetails]] = {}
    for detail in error.errors():
        problems.setdefault(_setting(detail, places), []).append(detail)
    location, details = next(iter(problems.items()))
    place = next((places[location[:n]] for n in range(len(location), 0, -1) if location[:n] in places), path)
    others = f"; {len(problems) - 1} more to correct after it" if len(problems) > 1 else ""
    return f"{place}: {_problem(location, details)}{others}."


def _setting(detail: ErrorDetails, places: Places) -> Location:
    """The key path an error is about: pydantic adds the branch of a union, and names a group for a combination."""
    location: Location = detail["loc"]
    if detail["type"] in ("extra_forbidden", "missing"):
        return location
    while location and location not in places:
        location = location[:-1]
    if detail["type"] == "value_error":
        words = [tuple(word.split(".")) for word in re.findall(r"[a-z_][a-z_.]*[a-z_]", detail["msg"])]
        named = [place for word in words for place in ((*location, *word), word) if place in places]
        return named[0] if named else location
    return location


def _problem(location: Location, details: list[ErrorDetails]) -> str:
    """What is wrong with one setting and what to do about it."""
    detail, name = details[0], _dotted(location)
    if detail["type"] == "extra_forbidden":
        return f"{name} is not a setting; {_nearest(location)}"
    field = dict(describe()).get(location)
    about = f" ({field.description})" if field is not None and field.description else ""
    if detail["type"] == "missing":
        return f"{name} is missing; add it{about}"
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    wanted = " or ".join(dict.fromkeys(_wanted(each) for each in details))
    return f"{name} must {wanted}, not {json.dumps(detail['input'], ensure_ascii=False)}; correct it{about}"


def _wanted(detail: ErrorDetails) -> str:
    """Pydantic's message ("Input should be a valid array") as the end of a sentence that has said "must"."""
    if detail["type"] == "model_type":
        return "be a group of settings"
    wanted = re.sub(r"^\w+ should ", "", detail["msg"])
    plain = {"a valid array": "a list", "a valid string": "text", "a valid integer": "a whole number", "valid ": ""}
    for theirs, ours in plain.items():
        wanted = wanted.replace(theirs, ours)
    return wanted


def _nearest(location: Location) -> str:
    """The settings a misspelt one may have meant: of the same name, beside it, then anywhere."""
    key, known = str(location[-1]), [path for path, _ in describe()]
    beside = [str(path[-1]) for path in known if path[:-1] == location[:-1]]
    meant = [path for path in known if path[-1] == key]
    meant = meant or [(*location[:-1], name) for name in difflib.get_close_matches(key, beside, n=1)]
    meant = meant or [path for path in known if difflib.get_close_matches(key, [str(path[-1])], cutoff=0.75)]
    if meant:
        return f"write {' or '.join(_dotted(path) for path in meant[:3])} if that was meant"
    return f"remove it, or use one of {', '.join(beside)}" if beside else "remove it"


def _dotted(location: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in location)
