"""Plain lines where there is no terminal; the report on paper."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.base.reports import Report
from raysynth.cli.terminal import show_report, shown_progress


@dataclass(frozen=True)
class _Found(Report):
    cells: int
    rate: float


def test_every_message_is_a_line_with_its_count(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress("shards") as progress:
        progress(0, 2, "4 frames in shards of 2; starting Ray")
        progress(1, 2, "shard 3: 32 cells in 4 frames, 2.0 s")
        progress(2, 2)
    assert capsys.readouterr().err.splitlines() == [
        "shards 0/2 4 frames in shards of 2; starting Ray",
        "shards 1/2 shard 3: 32 cells in 4 frames, 2.0 s",
        "shards 2/2",
    ]


def test_updates_without_a_message_are_rare_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress("bytes") as progress:
        for done in range(1, 1001):
            progress(done, 1000)
        progress(7, 0, "of nobody knows how many")
    assert capsys.readouterr().err.splitlines() == ["bytes 1000/1000", "bytes 7 of nobody knows how many"]


def test_a_report_is_printed_and_written_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show_report(_Found(7, 1.23456), tmp_path / "report.json")
    assert capsys.readouterr().out.splitlines() == ["cells: 7", "rate: 1.235"]
    assert json.loads((tmp_path / "report.json").read_text()) == {"cells": 7, "rate": 1.23456}
    with pytest.raises(InputError, match=r"--json .* cannot be written"):
        show_report(_Found(7, 1.0), tmp_path / "absent" / "report.json")
