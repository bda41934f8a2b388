"""The floor plan: which room may import which, and which rooms know Ray. docs/design.md draws it."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "raysynth"

FLOORS = (
    ("cli",),
    ("api",),
    ("actors",),
    ("train", "experiment"),
    ("cascade", "measures", "export"),
    ("surfaces",),
    ("models", "population"),
    ("preparation",),
    ("data", "store"),
    ("geometry",),
    ("bundles", "config"),
    ("base",),
)
"""From the top floor down. A room imports from the floors below its own, and from no other room of its own floor."""

RAY: dict[str, set[str] | None] = {
    "api": {"api.py"},  # for annotations alone
    "actors": None,
    "train": {"ray_trainer.py", "shipping.py"},
    "experiment": {"run.py"},
}
"""The rooms that may import Ray; None: in any of their files."""

SHARED_NAMES = 10
"""Public names that may be defined in two files or more: those that mean the same thing by design."""

FRONT_DOOR = {"__init__", "__main__", "api"}
FLOOR_OF = {room: len(FLOORS) - level for level, floor in enumerate(FLOORS) for room in floor}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "raysynth":
                yield from (f"raysynth.{alias.name}" for alias in node.names)


def sources() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def test_every_folder_is_a_room_of_the_plan() -> None:
    found = {room_of(path) for path in sources()} - FRONT_DOOR
    assert found == set(FLOOR_OF) - {"api"}


def test_rooms_import_downwards_only() -> None:
    wrong = []
    for path in sources():
        here = room_of(path)
        if here in ("__init__", "__main__"):
            continue
        for module in imports(path):
            parts = module.split(".")
            if parts[0] != "raysynth" or len(parts) == 1:
                continue
            there = parts[1]
            if there != here and FLOOR_OF[there] >= FLOOR_OF[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_only_some_rooms_know_ray() -> None:
    wrong = []
    for path in sources():
        known = RAY.get(room_of(path), set())
        if (
            any(module.split(".")[0] == "ray" for module in imports(path))
            and known is not None
            and path.name not in known
        ):
            wrong.append(str(path.relative_to(ROOT)))
    assert not wrong


def test_a_public_name_means_one_thing() -> None:
    homes: dict[str, set[str]] = {}
    for path in sources():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in defined(node):
                if not name.startswith("_"):
                    homes.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    shared = {name: sorted(files) for name, files in homes.items() if len(files) > 1}
    assert len(shared) <= SHARED_NAMES, "\n".join(
        f"{name}: {', '.join(files)}" for name, files in sorted(shared.items())
    )


def defined(node: ast.stmt) -> list[str]:
    """The names that one statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.target.id] if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else []


@pytest.mark.parametrize("folder", ["raysynth", "bench"])
def test_functions_are_short(folder: str) -> None:
    longest = Counter[str]()
    for path in (ROOT.parent / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.body[0].lineno
                longest[f"{path.name}:{node.name}"] = node.end_lineno - start + 1
    assert all(lines <= 45 for lines in longest.values()), longest.most_common(5)
