"""Sections as Markdown."""

from raysynth.experiment.sections import ReportTable, Section, listed, markdown_of


def test_titles_sentences_and_tables_become_markdown() -> None:
    text = markdown_of("T", [Section("A", "One.", ReportTable(("x", "y"), [["1", "a|b"]])), Section("B", "")])
    assert text == "# T\n\n## A\n\nOne.\n\n| x | y |\n| --- | --- |\n| 1 | a\\|b |\n\n## B\n\n\n"


def test_values_are_listed() -> None:
    assert listed([3, "a"]) == "3, a"
