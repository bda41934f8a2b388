"""What is written for people in the source and on the pages: comments, docstrings, sentences."""

import ast
import io
import re
import tokenize
from pathlib import Path


def python_files(folder: Path) -> dict[Path, str]:
    """Read every Python file below a folder.

    Parameters
    ----------
    folder
        Any folder.

    Returns
    -------
    dict[Path, str]
        Text by file, in order.
    """
    return {file: file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py"))}


def comment_lines(folder: Path, docstrings: bool = True) -> float:
    """Count the lines with a comment in 100 lines that are not empty.

    Parameters
    ----------
    folder
        The package.
    docstrings
        Whether lines of docstrings count among the 100.

    Returns
    -------
    float
        Notes to tools (`noqa`, `type:`, `fmt:`) do not count.
    """
    comments = lines = 0
    for text in python_files(folder).values():
        lines += sum(bool(line.strip()) for line in text.splitlines()) - (0 if docstrings else _docstring_lines(text))
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        found = [token for token in tokens if token.type == tokenize.COMMENT]
        comments += sum(not re.match(r"#\s*(noqa|type:|fmt:)", token.string) for token in found)
    return 100 * comments / max(lines, 1)


def sentence_lengths(page: str) -> list[int]:
    """Count the words of each sentence of a page.

    Parameters
    ----------
    page
        Markdown. Code, tables, headings and pictures are left out; a piece of code in a sentence counts as one word.

    Returns
    -------
    list[int]
        Words of each sentence, in order.
    """
    page = re.sub(r"```.*?```", "\n\n", page, flags=re.S)
    page = re.sub(r"^(\s*\||#|!\[|\s*<).*$", "", page, flags=re.M)
    page = re.sub(r"`[^`]*`", "code", page)
    page = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", page)
    paragraphs = re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.)\s", page)
    sentences = [s for text in paragraphs for s in re.split(r"(?<=[.!?])[)\"*]*\s+(?=[^a-z])", text)]
    counts = [sum(bool(re.search(r"\w", word)) for word in s.split()) for s in sentences]
    return [count for count in counts if count]


def _docstring_lines(text: str) -> int:
    """Count the lines of strings that stand alone and are not empty: docstrings of modules, functions, attributes."""
    alone = [
        ast.get_source_segment(text, node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return sum(bool(line.strip()) for segment in alone for line in segment.splitlines())
