"""The parts of a report: a title, a sentence and a table each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReportTable:
    """A table of text.

    Attributes
    ----------
    head
        Title of each column.
    lines
        The cells of each line, as many as there are columns.
    """

    head: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes
    ----------
    title
        Its title.
    text
        What a reader needs to know; may be empty.
    table
        Its table; None: no table.
    """

    title: str
    text: str
    table: ReportTable | None = None


def listed(values: Iterable[Any]) -> str:
    """Write values with commas between.

    Parameters
    ----------
    values
        Anything that has text.

    Returns
    -------
    str
        Such as "3, 4".
    """
    return ", ".join(map(str, values))


def markdown_of(title: str, sections: Iterable[Section]) -> str:
    """Write a report as Markdown.

    Parameters
    ----------
    title
        Its title.
    sections
        Its parts.

    Returns
    -------
    str
        The text, with a line break at its end.
    """
    parts = [f"# {title}\n"]
    for each in sections:
        table = "" if each.table is None else "\n" + _markdown_table(each.table)
        parts.append(f"\n## {each.title}\n\n{each.text}\n{table}")
    return "".join(parts)


def _markdown_table(table: ReportTable) -> str:
    body = [table.head, ["---"] * len(table.head), *table.lines]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in body)
