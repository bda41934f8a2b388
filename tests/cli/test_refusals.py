"""Mistakes are refused at once: nothing heavy is imported before settings and bundle have been judged."""

import subprocess
import sys
from pathlib import Path

import pytest

MISTAKES = {
    "a misspelt setting": ["generate", "demo-2d", "--set", "generate.fraems=3"],
    "a bundle that is not there": ["generate", "demo-2d", "--set", "bundle=moon"],
    "a bundle of other data": ["generate", "embryo-3d", "--set", "bundle=nuclei-2d"],
    "a plan without a bundle": ["generate", "demo-2d", "--plan", "--set", "bundle=moon"],
    "a start that is no bundle": ["train", "masks", "demo-2d", "--set", "masks.start=moon"],
    "data that are not named": ["prepare", "own.yaml"],
    "a table of a misspelt setting": ["evaluate", "table", "demo-2d", "--set", "evaluate.seed=3"],
    "a configuration that is not there": ["generate", "moon"],
}
CODE = """
import sys
from raysynth.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(end.code, [name for name in ("torch", "ray", "diffusers", "pyshtools") if name in sys.modules])
"""


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_refused_before_anything_heavy_is_imported(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("name: own\nbundle: nuclei-2d\npopulation: {frame_px: [64, 64]}\n")
    run = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == "2 []\n"
    assert run.stderr.startswith("raysynth: ")
    assert run.stderr.count("\n") == 1
