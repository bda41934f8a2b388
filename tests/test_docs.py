"""The pages: their Python, commands, settings, configurations and links name what exists."""

import ast
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

import raysynth
from bench.__main__ import commands
from raysynth.cli.main import app
from raysynth.config import Config
from raysynth.config.aliases import RENAMED
from raysynth.config.reading import load
from raysynth.config.shipped import shipped_names

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
CURRENT = {name: text for name, text in TEXTS.items() if name != "CHANGELOG.md"}
"""Pages about today's version: the changelog also names what is gone."""

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|\$ |&& )(raysynth [a-z][^#&\n]*)", re.MULTILINE)
INLINE = re.compile(r"`(raysynth [a-z][^`]*)`")
PLACEHOLDERS = re.compile(r"\b(?:[A-Z][A-Z_]+|A|B)\b|…|\[|\.\.\.")
SETTING = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+)(?:=[^`]*|: [^`]*)?`")
MODULES = {".md", ".py", ".json", ".yaml", ".jsonl", ".html", ".parquet", ".tif", ".zarr", ".sh"}


def blocks(language: str) -> list[tuple[str, str]]:
    """Every block of one language, with its page."""
    return [(page, code) for page, text in CURRENT.items() for kind, code in BLOCK.findall(text) if kind == language]


def command_lines() -> Iterator[tuple[str, str]]:
    """Every `raysynth` command of an unnamed block, with its page."""
    for page, code in blocks(""):
        for found in COMMAND.findall(code.replace("\\\n", " ")):
            yield page, found.rstrip('" ')


def inline_commands() -> Iterator[tuple[str, str]]:
    """Every `raysynth` command between backticks in the text, with its page; it may lack its arguments."""
    for page, text in CURRENT.items():
        for found in INLINE.findall(BLOCK.sub("", text)):
            yield page, " ".join(found.split())


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, as typer builds it, and the words that are left for it."""
    command: Any = typer.main.get_command(app)
    rest = words
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, f"{rest[0]} is no command"
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


def has_setting(path: tuple[str, ...]) -> bool:
    """Whether a key path is a group or a setting; the train group of every model counts as one."""
    model: type | None = Config
    for name in path:
        fields = getattr(model, "model_fields", {})
        if name not in fields:
            return False
        model = fields[name].annotation
    return True


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python_names_what_exists(page: str, code: str) -> None:
    tree = ast.parse(code, page)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(find_spec(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "raysynth":
            assert node.attr in raysynth.__all__, f"raysynth.{node.attr} is not a public name"


@pytest.mark.parametrize(("page", "code"), blocks("yaml"))
def test_configurations_are_valid(page: str, code: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(code, encoding="utf-8")
    assert load(file).name == yaml.safe_load(code)["name"]


def check_names(command: Any, rest: list[str]) -> None:
    """Options, settings and configurations of a command line exist."""
    known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(rest))) <= known
    for name, value in pairwise(rest):
        if name == "--set":
            assert has_setting(tuple(value.partition("=")[0].split("."))), f"{value}: no such setting"
    for word in rest:
        if word.startswith("configs/"):
            assert (ROOT / word).is_file(), f"{word}: no such configuration"
    takes = [parameter.metavar or parameter.name.upper() for parameter in command.params if parameter.nargs == 1]
    words = dict(zip(takes, [word for word in rest if not word.startswith("-")], strict=False))
    name = words.get("CONFIG", "demo-2d")
    assert PLACEHOLDERS.search(name) or name.startswith("configs/") or name in shipped_names(), f"{name}: unknown"


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_command_lines_are_complete(page: str, line: str) -> None:
    command, rest = resolve(shlex.split(line)[1:])
    check_names(command, rest)
    if not PLACEHOLDERS.search(line):
        command.make_context(command.name, list(rest))


@pytest.mark.parametrize(("page", "line"), sorted(set(inline_commands())))
def test_commands_in_the_text_are_known(page: str, line: str) -> None:
    check_names(*resolve(shlex.split(line)[1:]))


@pytest.mark.parametrize("page", CURRENT)
def test_settings_in_the_text_exist(page: str) -> None:
    groups = {name for name in Config.model_fields if hasattr(Config.model_fields[name].annotation, "model_fields")}
    text = BLOCK.sub("", CURRENT[page])
    named = {tuple(path.split(".")) for path in SETTING.findall(text) if not MODULES & {f".{path.rsplit('.')[-1]}"}}
    wrong = [".".join(path) for path in named if path[0] in groups and not has_setting(path)]
    assert not wrong
    assert not [path for path in named if path in RENAMED], "an old name of a setting"


@pytest.mark.parametrize("page", CURRENT)
def test_functions_in_the_text_exist(page: str) -> None:
    named = set(re.findall(r"`raysynth\.([A-Za-z_]+)\b(?!\.)", BLOCK.sub("", CURRENT[page])))
    assert named <= set(raysynth.__all__)


@pytest.mark.parametrize("page", CURRENT)
def test_benchmarks_and_targets_exist(page: str) -> None:
    text = CURRENT[page]
    benches = {name for files in commands().values() for name in files}
    assert set(re.findall(r"python -m bench ([a-z][a-z0-9_]*)", text)) <= benches
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", CURRENT)
def test_files_in_the_text_exist(page: str) -> None:
    named = re.findall(r"`((?:[a-z_0-9.-]+/)+[a-z_0-9.-]+\.(?:py|yaml|json|txt|sh))`", BLOCK.sub("", CURRENT[page]))
    made = ("runs/", "done/", "mine/")
    places = (ROOT, ROOT / "raysynth")
    assert [file for file in named if not file.startswith(made) and not any((p / file).is_file() for p in places)] == []


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXTS[page])
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / page).parent.joinpath(link).exists()] == []
