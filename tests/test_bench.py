"""The one command of the benchmarks, and the tool that measures the source."""

import ast
from pathlib import Path

import pytest

from bench.__main__ import commands, listing, main
from bench.common.prose import comment_lines, sentence_lengths
from bench.tools.structure import function_lengths, parameters, shared_names

SOURCE = '''
"""A module."""

LIMIT = 3
_PRIVATE = 4


def area(radius_px: float, *, scale: float = 1.0) -> float:
    """Compute an area.

    Parameters
    ----------
    radius_px
        Radius.
    """
    # The area of a disc.
    return 3 * radius_px**2 * scale


class Disc:
    """A disc.

    Parameters
    ----------
    radius_px
        Radius.
    """

    def __init__(self, radius_px: float) -> None:
        self.radius_px = radius_px
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "one.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "two.py").write_text(
        "LIMIT = 5\n_PRIVATE = 6\n\n\ndef radius(area: float) -> float:\n    return area\n"
    )
    return tmp_path


def test_every_command_has_one_line_in_the_list_and_a_main() -> None:
    shown = listing().splitlines()
    for files in commands().values():
        for name, file in files.items():
            (line,) = [line for line in shown if line.split()[:1] == [name]]
            assert line.endswith((".", "`"))
            assert any(isinstance(n, ast.FunctionDef) and n.name == "main" for n in ast.parse(file.read_text()).body)


def test_names_of_commands_are_unique() -> None:
    names = [name for files in commands().values() for name in files]
    assert len(names) == len(set(names))


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(SystemExit, match="storrage is not a benchmark"):
        main(["storrage"])


def test_public_names_of_two_files_are_found(package: Path) -> None:
    assert shared_names(package) == {"LIMIT": ["one.py", "two.py"]}


def test_parameters_that_no_docstring_names_are_found(package: Path) -> None:
    found = {(one.place.split()[-1], one.name): one.documented for one in parameters(package)}
    assert found == {
        ("area", "radius_px"): True,
        ("area", "scale"): False,
        ("Disc.__init__", "radius_px"): True,
        ("radius", "area"): False,
    }


def test_functions_are_measured_without_their_docstrings(package: Path) -> None:
    assert function_lengths(package) == {"one.py:area": 1, "one.py:__init__": 1, "two.py:radius": 1}


def test_comments_are_counted(package: Path) -> None:
    lines = sum(bool(line.strip()) for file in package.glob("*.py") for line in file.read_text().splitlines())
    assert comment_lines(package) == pytest.approx(100 / lines)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("# A heading that does not count\n\nTwo words. Now three words.", [2, 3]),
        ("Run `raysynth generate x.yaml`, then look.\n\n```\nraysynth verify\n```\n", [4]),
        ("| a | table |\n|---|---|\n\n- One point\n- another [linked point](x.md)", [2, 3]),
    ],
)
def test_words_of_sentences_are_counted(page: str, words: list[int]) -> None:
    assert sentence_lengths(page) == words
