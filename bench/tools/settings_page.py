"""Print docs/configuration.md: every setting with its type, limits, default and unit; `make docs` writes it."""

import inspect
import json
import re
import types
import typing
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bench.common.suite import described
from raysynth.config import Config

_HEAD = """# Configuration

One YAML file describes a data set: what it learns from and what it makes. `configs/` holds one for each public set.
All come with the package and are found by name.
This page is written by `make docs` from `raysynth/config/`.

- Lengths called `*_um` are micrometres; `*_px` are pixels of the data's own (y, x) grid. Sizes and voxel sizes are in
  the order z, y, x (2D: y, x).
- Relative folders are relative to the directory the command runs in, not to the file.
- `extends: other` names a file beside this one, or a configuration that comes with the package. Every setting of the
  other is taken that this one does not set.
- `--set key.path=value`, with every command and as often as needed, replaces one setting: `--set generate.frames=100`.
  The value is YAML: `--set data.voxel_um='[1, 0.2, 0.2]'`, `--set bundle=null`.
- A mistake is answered with one sentence that names the file, its line and the setting.

Some settings depend on others:

- `population.frame_px`, `data.voxel_um` and a `population.region` given in numbers have `data.dimensions` values each.
- 3D data need `data.voxel_um`, since slices are cut at the data's own z step.
- `population.mode: plane` is for 3D data.
- `data.split.by: group` needs `data.group_pattern`.
"""


def _page() -> str:
    """Write the whole page, in Markdown."""
    return _HEAD + "".join(_group(Config, "", None))


def _group(model: type[BaseModel], prefix: str, defaults: BaseModel | None) -> list[str]:
    """Write the table of one group, then those of the groups in it; the group around it presets `defaults`."""
    rows, inner = [], []
    for name, field in model.model_fields.items():
        default = getattr(defaults, name, field.default)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            preset = default if isinstance(default, BaseModel) else None
            inner += _group(field.annotation, f"{prefix}{name}.", preset)
        else:
            rows.append(_row(prefix + name, field, default))
    title = f"`{prefix.rstrip('.')}`" if prefix else "The top level"
    head = "| setting | value | default | meaning |\n|---|---|---|---|\n"
    return [f"\n## {title}\n\n{_summary(model)}\n\n{head}", *rows, *inner]


def _summary(model: type[BaseModel]) -> str:
    """Take a group's docstring up to its first section."""
    return re.split(r"\n\n\w+\n---", inspect.cleandoc(model.__doc__ or ""))[0]


def _row(name: str, field: FieldInfo, default: Any) -> str:
    shown = "required" if default is PydanticUndefined else f"`{_yaml(default)}`"
    return f"| `{name}` | {_kind(field.annotation, field.metadata)} | {shown} | {field.description or ''} |\n"


def _kind(annotation: Any, limits: list[Any]) -> str:
    """Put a type and its limits into words: "whole number, at least 1"."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0], [*limits, *_flat(arguments[1:])])
    if origin in (types.UnionType, typing.Union):
        return "; or ".join(_kind(argument, limits if argument is not type(None) else []) for argument in arguments)
    if origin is Literal:
        return ", ".join(f"`{_yaml(choice)}`" for choice in arguments)
    if origin is tuple:
        count = "list" if arguments[-1] is Ellipsis else f"list of {len(arguments)}"
        return f"{count}, each a {_kind(arguments[0], [])}".replace("each a text", "each text")
    names = {int: "whole number", float: "number", str: "text", bool: "`true`, `false`", type(None): "`null`"}
    return ", ".join([names[annotation], *map(_limit, limits)])


def _flat(metadata: tuple[Any, ...]) -> list[Any]:
    return [limit for item in metadata for limit in (item.metadata if isinstance(item, FieldInfo) else [item])]


def _limit(limit: Any) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "multiple_of": "a multiple of"}
    for key, word in words.items():
        if hasattr(limit, key):
            return f"{word} {getattr(limit, key):g}"
    return re.sub(r".*pattern='(.*?)'.*", r"matching `\1`", str(limit))


def _yaml(value: Any) -> str:
    """Write a default as it would stand in the file."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return value if isinstance(value, str) and value else json.dumps(value)


def main() -> None:
    """Print the page."""
    described(__doc__).parse_args()
    print(_page(), end="")
