"""Measure the source itself: shared names, documented parameters, lengths, comments, sentences of the pages.

    python -m bench structure [--room NAME] [--missing]

Reads `raysynth/` and `docs/`, and imports nothing of them. `--room` keeps one folder of the package; `--missing` lists
every parameter that no docstring names.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.common.paths import ROOT
from bench.common.prose import comment_lines, python_files, sentence_lengths
from bench.common.suite import described

LONGEST_FUNCTION, FILE_LINES = 45, (60, 260)
"""Limits in lines: of a function without its docstring, and of a file."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Parameter(NamedTuple):
    """A parameter of a public function, or a field of a public dataclass.

    Attributes
    ----------
    place
        File, line and name of what takes it.
    name
        Its own name.
    documented
        Whether the docstring names it, or a help text stands at its side.
    """

    place: str
    name: str
    documented: bool


def defined_names(node: ast.stmt) -> list[str]:
    """Find the names that one statement of a module defines.

    Parameters
    ----------
    node
        A statement at the module's top level.

    Returns
    -------
    list[str]
        Functions, classes and variables; imports do not count.
    """
    if isinstance(node, Function | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def shared_names(folder: Path) -> dict[str, list[str]]:
    """Find public names that more than one file defines.

    Parameters
    ----------
    folder
        The package.

    Returns
    -------
    dict[str, list[str]]
        Files by name, below `folder`.
    """
    homes: dict[str, set[str]] = {}
    for file, text in python_files(folder).items():
        for node in ast.parse(text).body:
            for name in defined_names(node):
                if not name.startswith("_"):
                    homes.setdefault(name, set()).add(str(file.relative_to(folder)))
    return {name: sorted(files) for name, files in sorted(homes.items()) if len(files) > 1}


def parameters(folder: Path) -> list[Parameter]:
    """List the parameters of public functions, methods and dataclasses.

    Parameters
    ----------
    folder
        The package.

    Returns
    -------
    list[Parameter]
        Those of `__init__` and the fields of a dataclass are looked for in the docstring of their class.
    """
    found: list[Parameter] = []
    for file, text in python_files(folder).items():
        for node in ast.parse(text).body:
            place = f"{file.relative_to(folder)}:{node.lineno}"
            if isinstance(node, Function) and not node.name.startswith("_"):
                found += _of_function(node, ast.get_docstring(node) or "", f"{place} {node.name}")
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found += _of_class(node, f"{place} {node.name}")
    return found


def function_lengths(folder: Path) -> dict[str, int]:
    """Count the lines of every function, without its docstring.

    Parameters
    ----------
    folder
        The package.

    Returns
    -------
    dict[str, int]
        Lines by file and name, the longest first.
    """
    lengths: dict[str, int] = {}
    for file, text in python_files(folder).items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, Function) and node.end_lineno is not None:
                first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
                lengths[f"{file.relative_to(folder)}:{node.name}"] = node.end_lineno - first.lineno + 1
    return dict(sorted(lengths.items(), key=lambda item: -item[1]))


def file_lengths(folder: Path) -> dict[str, int]:
    """Count the lines of the files outside the limits; `__init__.py` and `__main__.py` may be short.

    Parameters
    ----------
    folder
        The package.

    Returns
    -------
    dict[str, int]
        Lines by file, the longest first.
    """
    lines = {str(file.relative_to(folder)): text.count("\n") for file, text in python_files(folder).items()}
    least, most = FILE_LINES
    outside = {name: n for name, n in lines.items() if n > most or (n < least and "__" not in name)}
    return dict(sorted(outside.items(), key=lambda item: -item[1]))


def _of_function(node: Function, docstring: str, place: str) -> list[Parameter]:
    if any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list):
        return []
    a = node.args
    defaults = [None] * (len(a.posonlyargs + a.args) - len(a.defaults)) + list(a.defaults) + list(a.kw_defaults)
    given = list(zip([*a.posonlyargs, *a.args, *a.kwonlyargs], defaults, strict=True))
    given += [(extra, None) for extra in (a.vararg, a.kwarg) if extra is not None]
    return [
        Parameter(place, one.arg, _named(one.arg, docstring) or _explained(one.annotation) or _explained(default))
        for one, default in given
        if one.arg not in ("self", "cls") and not one.arg.startswith("_")
    ]


def _of_class(node: ast.ClassDef, place: str) -> list[Parameter]:
    docstring, found = ast.get_docstring(node) or "", []
    fields = any("dataclass" in ast.unparse(d) for d in node.decorator_list) or "NamedTuple" in map(
        ast.unparse, node.bases
    )
    for part in node.body:
        if isinstance(part, Function) and part.name == "__init__":
            found += _of_function(part, docstring + (ast.get_docstring(part) or ""), f"{place}.__init__")
        elif isinstance(part, Function) and not part.name.startswith("_"):
            found += _of_function(part, ast.get_docstring(part) or "", f"{place}.{part.name}")
        elif fields and isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            name = part.target.id
            if not name.startswith("_"):
                found.append(Parameter(place, name, _named(name, docstring)))
    return found


def _named(name: str, docstring: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", docstring) is not None


def _explained(node: ast.expr | None) -> bool:
    """Whether a help text or a description stands in an annotation or a default, as commands' options have it."""
    keywords = [k.arg for k in ast.walk(node) if isinstance(k, ast.keyword)] if node is not None else []
    return "help" in keywords or "description" in keywords


def _lines(package: Path, missing: bool) -> Iterator[str]:
    shared = shared_names(package)
    yield f"public names defined in two files or more: {len(shared)}"
    yield from (f"  {name}: {', '.join(files)}" for name, files in shared.items())
    every = parameters(package)
    named = sum(one.documented for one in every)
    yield f"parameters named in docstrings: {named} of {len(every)}, {100 * named / max(len(every), 1):.1f} %"
    if missing:
        yield from (f"  {one.place}: {one.name}" for one in every if not one.documented)
    yield f"longest functions, without docstrings (at most {LONGEST_FUNCTION} lines):"
    yield from (f"  {lines} {name}" for name, lines in list(function_lengths(package).items())[:10])
    outside = file_lengths(package)
    yield f"files outside {FILE_LINES[0]} to {FILE_LINES[1]} lines: {len(outside)} of {len(python_files(package))}"
    yield from (f"  {lines} {name}" for name, lines in outside.items())
    alone = comment_lines(package, docstrings=False)
    yield f"comment lines in 100: {comment_lines(package):.2f}; in 100 without docstrings: {alone:.2f}"
    pages = {
        file.name: sentence_lengths(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "docs").glob("*.md"))
    }
    yield f"words in a sentence of the pages, median: {median(n for counts in pages.values() for n in counts):g}"
    yield from (f"  {median(counts):g} (at most {max(counts)}) {name}" for name, counts in pages.items() if counts)


def main() -> None:
    """Print every measure."""
    parser = described(__doc__)
    parser.add_argument("--room", default="", help="a folder of the package, else all of it")
    parser.add_argument("--missing", action="store_true", help="list the parameters that no docstring names")
    options = parser.parse_args()
    print("\n".join(_lines(ROOT / "raysynth" / options.room, options.missing)))
