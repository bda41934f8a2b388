"""The command line: what it prints, and how it ends. The work of the commands is tested with their modules."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from raysynth.base.errors import RunError
from raysynth.base.objects import Objects
from raysynth.cli.main import main
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write, fill
from tests.fixtures.discs import discs_config

Run = Callable[..., tuple[int, str, str]]

SPEC = DatasetSpec(frames=2, frame_shape=(32, 32), dtype="uint8", voxel_um=None, frames_per_shard=1, levels=1)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process; gives its exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def dataset(tmp_path: Path, write: Write) -> Path:
    """Two shards of one 2D frame each; the second is not finished."""
    uri = tmp_path / "set.zarr"
    write(uri, SPEC, [0])
    return uri


def test_help_names_every_command(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for command in ("prepare", "train", "generate", "evaluate", "export", "preview", "verify", "fetch"):
        assert f"  {command} " in out


def test_help_and_import_read_no_heavy_library() -> None:
    source = (
        "import sys, raysynth, raysynth.cli.main; print(sorted({'torch', 'ray', 'zarr', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("prepare", "absent.yaml"), "absent.yaml"),
        (("verify", "absent.zarr"), "absent.zarr"),
        (("preview", "absent.zarr", "p.png"), "absent.zarr"),
        (("export", "ctc", "absent.zarr", "folder"), "absent.zarr"),
        (("fetch", "moon", "folder"), "moon"),
        (("verify", "ftp://host/set"), "ftp://host/set"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(run: Run, arguments: tuple[str, ...], named: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert named in err
    assert err.count("\n") == 1


def test_a_run_that_is_ended_from_outside_is_one_sentence_and_code_1(
    run: Run, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raysynth.store.verify.verify_dataset", Mock(side_effect=RunError("no room left")))
    assert run("verify", dataset) == (1, "", "raysynth: no room left\n")


def test_a_setting_that_does_not_exist_is_named(run: Run, tmp_path: Path) -> None:
    code, _, err = run("prepare", discs_config(tmp_path), "--set", "crops.sidepx=32")
    assert code == 2
    assert "crops.sidepx" in err


def test_a_wrong_argument_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    assert run("train", "everything", discs_config(tmp_path))[0] == 2
    assert run("generate", discs_config(tmp_path), "--frames", "0")[0] == 2


def test_frames_become_crops_and_crops_a_bundle(run: Run, tmp_path: Path) -> None:
    config, report = discs_config(tmp_path), tmp_path / "report.json"
    code, out, _ = run("prepare", config, "--json", report)
    assert code == 0
    assert "crop_side_px: 32" in out
    assert json.loads(report.read_text())["crop_side_px"] == 32

    code, out, _ = run("train", "all", config, "--json", report)
    assert code == 0
    assert set(json.loads(report.read_text())) == {"masks", "texture"}
    assert (tmp_path / "workspace" / "discs" / "bundle" / "bundle.json").is_file()


def test_generate_without_a_bundle_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    code, _, err = run("generate", discs_config(tmp_path), "--out", tmp_path / "set.zarr")
    assert code == 2
    assert "bundle" in err
    assert not (tmp_path / "set.zarr").exists()


def test_verify_reports_and_repairs(run: Run, dataset: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code, out, _ = run("verify", dataset, "--json", report)
    assert code == 1
    assert "not finished" in out
    assert json.loads(report.read_text())["bad"] == {"1": "not finished"}

    code, _, err = run("verify", dataset, "--repair")
    assert code == 2
    assert "no record of the run" in err
    fill(Objects(dataset), SPEC, 1)  # its frame is still listed as missing
    assert run("verify", dataset)[0] == 1
    code, out, _ = run("verify", dataset, "--repair")
    assert code == 0
    assert "ok: True" in out
    assert run("verify", dataset)[0] == 0


def test_preview_and_export_write_their_files(run: Run, dataset: Path, tmp_path: Path) -> None:
    assert run("preview", dataset, tmp_path / "picture.png")[0] == 0
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = run("export", "ctc", dataset, tmp_path / "ctc")
    assert code == 0
    assert "frames: 1" in out
    assert (tmp_path / "ctc" / "01_GT" / "SEG" / "man_seg000.tif").is_file()


def test_a_report_that_cannot_be_written_are_refused(run: Run, dataset: Path, tmp_path: Path) -> None:
    code, _, err = run("preview", dataset, tmp_path / "p.png", "--json", tmp_path / "absent" / "f.json")
    assert code == 2
    assert "--json" in err
