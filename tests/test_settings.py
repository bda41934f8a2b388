"""Every setting does something: code reads it, and changing it changes what a data set is made from, or says why not.

That code reads it is shown by mypy: in a copy of `raysynth/config` every setting is renamed, and mypy then objects to
each place that reads one by its name. A setting that no place reads is found like that, whatever its name.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from raysynth.actors.provenance import NOT_BYTES
from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.config.base import Settings
from raysynth.config.messages import describe
from raysynth.config.places import Places
from raysynth.config.reading import load

ROOT = Path(__file__).parents[1]
GROUPS = ROOT / "raysynth" / "config"
MYPY = """[mypy]
follow_imports = skip
ignore_missing_imports = True
[mypy-raysynth.*,pydantic.*,pydantic_core.*]
follow_imports = normal
"""

REASONS = {
    "name": "names folders: the places change",
    "data": "what `prepare` finds; the bundle's hash stands for it in a manifest",
    "crops": "what `prepare` finds; the bundle's hash stands for it in a manifest",
    "masks.train": "the weights; the bundle's hash stands for them",
    "views.train": "the weights; the bundle's hash stands for them",
    "texture.train": "the weights; the bundle's hash stands for them",
    "bundle": "which bundle: its hash stands in the manifest",
    "generate.dtype": "the type of the images: it stands in the manifest's description of the arrays",
    "generate.frames": "how many frames: it stands in the manifest's description of the arrays, and may grow",
    "generate.seed": "stands in the manifest beside the settings",
    "runtime": "how fast and how patient a run is, not what it makes",
    "evaluate": "the table: it keeps these settings in its plan and shows them in its report",
}
"""Settings, or groups of them, that leave a manifest's settings alone, and where else they show."""


def _leaves(model: type[Settings], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type[Settings]]]:
    """Key path and group of every setting that is no group itself."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            yield from _leaves(kind, (*prefix, name))
        else:
            yield (*prefix, name), model


LEAVES = dict(_leaves(Config))


def _renamed(source: str) -> str:
    """The same module with every setting renamed that is no group of settings."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        for field in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                if isinstance(field.annotation, ast.Name) and field.annotation.id.endswith("Config"):
                    continue
                line = lines[field.target.lineno - 1]
                lines[field.target.lineno - 1] = line.replace(field.target.id, f"{field.target.id}_renamed", 1)
    return "\n".join(lines)


def _validators(source: str) -> set[int]:
    """The lines of the functions that only judge settings."""
    return {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and any("validator" in ast.unparse(each) for each in node.decorator_list)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


@pytest.mark.timeout(600)
def test_code_reads_every_setting(tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text(MYPY)
    command = [sys.executable, "-m", "mypy", "--config-file", str(tmp_path / "mypy.ini"), "-p", "raysynth"]
    judging: set[tuple[str, int]] = set()
    for file in GROUPS.glob("*.py"):
        source = file.read_text(encoding="utf-8")
        judging |= {(str(file.relative_to(ROOT)), line) for line in _validators(source)}
        if "(Settings):" in source and file.name != "base.py":
            (tmp_path / file.name).write_text(_renamed(source))
            command += ["--shadow-file", str(file), str(tmp_path / file.name)]
    command += ["--cache-dir", str(ROOT / ".mypy_cache" / "settings")]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    objections = re.findall(r'^(.+?):(\d+): error: "(\w+)" has no attribute "(\w+)"', said.stdout, re.MULTILINE)
    read = {(group, name) for file, line, group, name in objections if (file, int(line)) not in judging}
    assert [".".join(path) for path, group in LEAVES.items() if (group.__name__, path[-1]) not in read] == []


def _others(value: Any, field: FieldInfo) -> Iterator[Any]:
    """Values that a setting might have in place of its own."""
    kinds = [field.annotation, *get_args(field.annotation)]
    yield from (choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind))
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value + 8, value * 2, value / 2, value - 1)
    elif isinstance(value, tuple):
        yield from ([16 * n for n in value] if value and not isinstance(value[0], str) else [], ["a"], [*value, *value])
    yield from ("elsewhere", 1, 0.5, 32, None, [1, 2], [2, 1], ["real"])


def _changed(config: Config, path: tuple[str, ...]) -> Config:
    """The configuration with another value of one setting."""
    value: Any = config
    for key in path:
        value = getattr(value, key)
    for other in _others(value, dict(describe(Config))[path]):
        change: Any = other
        for key in reversed(path):
            change = {key: change}
        try:
            changed = config.with_(**change)
        except InputError:
            continue
        if changed != config:
            return changed
    raise AssertionError(f"no other value of {'.'.join(path)} is known")


def _recorded(config: Config) -> tuple[Any, Places]:
    """The settings of a manifest, and where everything is."""
    return config.model_dump(mode="json", exclude=NOT_BYTES), Places.of(config)


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_a_change_shows_in_the_manifest_or_the_places_or_has_a_reason(path: tuple[str, ...]) -> None:
    if not any(".".join(path[:n]) in REASONS for n in range(1, len(path) + 1)):
        config = load("embryo-3d")
        assert _recorded(_changed(config, path)) != _recorded(config)


def test_every_reason_is_about_a_setting() -> None:
    assert set(REASONS) <= {".".join(map(str, path)) for path, _ in describe(Config)}


def test_the_page_of_settings_is_up_to_date() -> None:
    """`make docs` writes it from the models; every setting has a meaning."""
    command = [sys.executable, "-m", "bench", "settings_page"]
    page = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert page == (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"), "run make docs"
    assert [path for path in LEAVES if f"| `{'.'.join(path)}` |" not in page] == []
    assert "|  |" not in page
