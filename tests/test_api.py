"""The front door: every function is typed, says in one sentence what is wrong, and works where it can here."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import raysynth
from raysynth.config import Config
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write

ROOT = Path(__file__).parents[1]
MISTAKES = """
import raysynth
raysynth.generate("demo-2d", fraems=3)
raysynth.fit("hela", "mask")
raysynth.load(3)
raysynth.preview("x.zarr")
raysynth.evaluate
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A 2D configuration whose bundle and data are not there."""
    return raysynth.load("nuclei-2d").with_(
        workspace=str(tmp_path / "workspace"), data={"root": str(tmp_path / "none")}
    )


def _mypy(*files: Path) -> str:
    """What `mypy --strict` says of a user's files."""
    command = ["--config-file", "tests/typing/user.ini", "--cache-dir", ".mypy_cache/client", *map(str, files)]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *command],
        cwd=ROOT,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


@pytest.mark.timeout(600)
def test_a_client_is_checked_and_no_name_is_any(tmp_path: Path) -> None:
    """One run of mypy: a client that calls everything, the type of every name, and calls that must be refused."""
    names, wrong = tmp_path / "names.py", tmp_path / "wrong.py"
    names.write_text("import raysynth\n" + "".join(f"reveal_type(raysynth.{name})\n" for name in raysynth.__all__))
    wrong.write_text(MISTAKES)
    said = _mypy(ROOT / "tests" / "typing" / "client.py", names, wrong)
    assert "client.py" not in said
    revealed = re.findall(r'names\.py:\d+: note: Revealed type is "(.*)"', said)
    assert len(revealed) == len(raysynth.__all__)
    assert [kind for kind in revealed if re.search(r"(^|: |-> )Any\b", kind)] == []
    refused = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", said)}
    assert refused == set(range(3, MISTAKES.count("\n") + 1))


def test_bad_values_are_one_sentence(config: Config, tmp_path: Path) -> None:
    calls: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: raysynth.fit(config, "mask"), "mask is no model: choose one of masks, views, texture, or all"),  # type: ignore[arg-type]
        (lambda: raysynth.fit(config, workers=0), "0 workers cannot train"),
        (lambda: raysynth.generate(config, frames=0), "generate.frames must be greater than or equal to 1, not 0"),
        (lambda: raysynth.generate("moon"), "moon: there is no such configuration file; give its path, or one of ce"),
        (lambda: raysynth.generate(config, cells=tmp_path / "bank"), f"{tmp_path / 'bank'} is not a folder"),
        (lambda: raysynth.preview("absent.zarr", "x.png"), "absent.zarr is not a folder"),
        (lambda: raysynth.preview("absent.zarr", "x.png", frames=0), "0 frames cannot be shown"),
        (lambda: raysynth.evaluate_fidelity("a", "b", tiles=3), "3 tiles are too few"),
        (lambda: raysynth.fetch("moon", str(tmp_path)), "moon"),
    )
    for call, sentence in calls:
        with pytest.raises(raysynth.InputError) as raised:
            call()
        assert str(raised.value).startswith(sentence)
        assert "\n" not in str(raised.value)


def test_what_is_missing_is_said_before_anything_heavy(config: Config) -> None:
    with pytest.raises(raysynth.InputError, match=r"bundle .* was not found"):
        raysynth.generate(config)
    with pytest.raises(raysynth.InputError, match=r"bundle nuclei-2d makes 2D cells but data\.dimensions is 3"):
        raysynth.generate(raysynth.load("embryo-3d", ["bundle=nuclei-2d"]))
    with pytest.raises(raysynth.InputError, match="bundle moon was not found"):
        raysynth.fit(config.with_(masks={"start": "moon"}), "masks")


def test_a_configuration_without_data_generates_only(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("name: own\nbundle: nuclei-2d\npopulation: {frame_px: [64, 64]}\n")
    own = raysynth.load(str(file), [f"workspace={tmp_path}"])
    calls: tuple[Callable[[Config], object], ...] = (raysynth.prepare, raysynth.fit, raysynth.evaluate_table)
    for call in calls:
        with pytest.raises(raysynth.InputError, match="own has no real data: add the group `data`"):
            call(own)


def test_data_sets_are_taken_by_address_path_or_opened(tmp_path: Path, write: Write, spec_2d: DatasetSpec) -> None:
    finished = tmp_path / "set.zarr"
    write(finished, spec_2d)
    opened = raysynth.open(finished)
    assert raysynth.open(opened) is opened
    for dataset in (finished, str(finished), opened):
        assert raysynth.verify(dataset).ok
        assert len(raysynth.read_torch(dataset)) == len(opened)
    picture = raysynth.preview(str(finished), str(tmp_path / "x.png"))
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "x.png") in str(picture)
    assert raysynth.export_ctc(opened, str(tmp_path / "ctc")).to_json()["frames"] == len(opened)
    assert raysynth.evaluate_seg(opened, tmp_path / "ctc" / "01_GT" / "SEG").seg == 1.0
