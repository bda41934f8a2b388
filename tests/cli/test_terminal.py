"""Plain lines where there is no terminal, and figures on paper."""

import json
from pathlib import Path

import pytest

from raysynth.actors.pipeline import Report
from raysynth.cli.terminal import progress, show, track_shards


def test_shards_are_passed_on_and_each_gets_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    good = Report(3, counts={"cells": 32, "frames": 4}, seconds={"texture": 1.5, "compose": 0.5})
    reports = [good, Report(1, reason="synthesise: out of memory")]
    assert list(track_shards(reports, 2, lambda: "all is well")) == reports
    assert capsys.readouterr().err.splitlines() == [
        "shards 1/2 shard 3: 32 cells in 4 frames, 2.0 s; all is well",
        "shards 2/2 shard 1 failed: synthesise: out of memory; all is well",
    ]


def test_updates_without_a_message_are_rare_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("bytes") as update:
        for done in range(1, 1001):
            update(done, 1000, "")
    assert capsys.readouterr().err.splitlines() == ["bytes 1000/1000"]


def test_figures_are_printed_in_groups_and_written_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    figures = {"cells": 7, "rate": 1.23456, "seconds": {"masks": 2.0}, "failed": {}, "name": "set"}
    show(figures, tmp_path / "figures.json")
    assert capsys.readouterr().out.splitlines() == ["cells: 7", "rate: 1.235", "seconds:", "  masks: 2", "name: set"]
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
