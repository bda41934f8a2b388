"""`raysynth evaluate`: what it prints, and how it ends. The measures themselves are tested with their modules."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `raysynth evaluate` in this process; gives its exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["evaluate", *map(str, arguments)])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder of two label images with one cell each."""
    folder = tmp_path / "labels"
    folder.mkdir()
    for time in range(2):
        cell = np.zeros((16, 16), np.uint16)
        cell[4:8, 4:10] = 3
        tifffile.imwrite(folder / f"mask{time:03d}.tif", cell)
    return folder


def test_help_names_every_verb(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for verb in ("seg",):
        assert f"  {verb} " in out


def test_seg_prints_and_writes_its_figures(run: Run, labels: Path, tmp_path: Path) -> None:
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    (labels / "mask000.tif").rename(predicted / "mask000.tif")
    tifffile.imwrite(labels / "mask000.tif", tifffile.imread(predicted / "mask000.tif"))
    code, out, _ = run("seg", predicted, labels, "--json", tmp_path / "seg.json")
    assert code == 0
    assert "seg: 0.5\n" in out
    assert json.loads((tmp_path / "seg.json").read_text())["missing"] == ["mask001.tif"]
    code, out, _ = run("seg", predicted, labels, "--common")
    assert "seg: 1\n" in out
    assert "mask001.tif" in out


def test_bad_input_is_one_sentence_and_code_2(run: Run, labels: Path, tmp_path: Path) -> None:
    code, out, err = run("seg", tmp_path / "absent", labels)
    assert (code, out) == (2, "")
    assert "absent" in err
    assert err.count("\n") == 1
