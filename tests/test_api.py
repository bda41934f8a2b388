"""The front door: every function is typed, says in one sentence what is wrong, and works where it can here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import raysynth
from raysynth.config import Config

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
