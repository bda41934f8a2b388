"""`raysynth evaluate`: what it prints, and how it ends. The measures are tested with their modules."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.cli.main import main

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
    """A folder of two label images with two cells each."""
    folder = tmp_path / "labels"
    folder.mkdir()
    for time in range(2):
        cells = np.zeros((24, 40), np.uint16)
        cells[8:16, 6:15], cells[7:15, 24 + time : 33] = 3, 4
        tifffile.imwrite(folder / f"mask{time:03d}.tif", cells)
    return folder


def test_help_names_every_command(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for command in ("seg", "fidelity", "morphology", "table"):
        assert f"  {command} " in out


def test_seg_prints_and_writes_its_report(run: Run, labels: Path, tmp_path: Path) -> None:
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


def test_morphology_prints_draws_and_writes(run: Run, labels: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    for kind in ("images", "masks"):
        (pairs / kind).mkdir(parents=True)
        for file in labels.iterdir():
            tifffile.imwrite(pairs / kind / file.name, tifffile.imread(file))
    code, out, _ = run("morphology", pairs, pairs, "--plots", tmp_path / "plots", "--json", tmp_path / "f.json")
    assert code == 0
    assert "neighbour_distance" in out
    assert json.loads((tmp_path / "f.json").read_text())["area"]["ks"] == 0
    assert (tmp_path / "plots" / "morphology.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("seg", "absent", "absent"), "absent"),
        (("morphology", "absent", "absent"), "absent"),
        (("morphology", "absent", "absent", "--voxel-um", "wide"), "--voxel-um wide"),
        (("fidelity", "absent", "absent", "--weights", "none.pth"), "none.pth"),
        (("table", "absent.yaml"), "absent.yaml"),
        (("table", "nuclei-2d", "--set", "evaluate.seeds=1"), "evaluate.seeds"),
        (("table", "nuclei-2d", "--synthetic", "real=out/a.zarr"), "--synthetic real=out/a.zarr"),
        (("table", "nuclei-2d", "--synthetic-curve", "10;30"), "--synthetic-curve 10;30"),
        (("table", "nuclei-2d", "--metrics", "synthetic=absent.json"), "absent.json"),
        (("table", "nuclei-2d", "--figures", "synthetic=absent.json"), "absent.json"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(run: Run, arguments: tuple[str, ...], named: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert named in err
    assert err.count("\n") == 1
