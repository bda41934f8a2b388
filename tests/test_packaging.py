"""The wheel holds all that the package needs, so that it works from any folder without a checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = """
import raysynth
print(raysynth.__file__)
print(raysynth.load("demo-2d").name, raysynth.load("configs/hela.yaml").name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what it is built from: a build leaves a folder in its source."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "NOTICE", "raysynth", "configs"):
        (source / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    (found,) = folder.glob("raysynth-*.whl")
    return found


def test_the_wheel_holds_configurations_bundles_types_and_templates(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"raysynth/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    for pattern in ("*.py", "*.html", "*.txt", "bundles/*/bundle.json", "py.typed"):
        found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "raysynth").rglob(pattern)}
        wanted |= found
    assert wanted - names == set()


def test_an_installed_wheel_finds_its_configurations(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines() == [str(tmp_path / "site" / "raysynth" / "__init__.py"), "demo-2d hela"]
