"""The names of the package: all there, typed and untyped alike, and none that costs anything at import."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import raysynth
from raysynth.base.errors import InputError
from raysynth.store.reader import Dataset

HEAVY = ("torch", "ray", "diffusers", "pyshtools", "zarr", "numpy", "scipy", "pydantic")


@pytest.mark.parametrize("name", raysynth.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(raysynth, name) is not None
    assert name in dir(raysynth)


def test_types_and_running_code_know_the_same_names() -> None:
    source = ast.parse(Path(raysynth.__file__).read_text(encoding="utf-8"))
    block = next(node for node in source.body if isinstance(node, ast.If))
    imported = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert (imported - {"version"}) | {"__version__"} == set(raysynth.__all__)
    for node in block.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("raysynth"):
            module = __import__(node.module, fromlist=["_"])
            for alias in node.names:
                assert getattr(raysynth, alias.name) is getattr(module, alias.name)


def test_names_are_those_of_their_modules() -> None:
    assert raysynth.Dataset is Dataset
    assert raysynth.InputError is InputError
    assert issubclass(raysynth.InputError, raysynth.RaysynthError)
    assert issubclass(raysynth.ShardFailure, raysynth.RaysynthError)
    assert raysynth.__version__[0].isdigit()


def test_other_names_are_missing_and_the_sentence_lists_what_is_there() -> None:
    for _ in range(2):  # whatever was imported in between
        with pytest.raises(AttributeError, match=r"no attribute 'evaluate'; it has .*, evaluate_seg, "):
            raysynth.evaluate  # type: ignore[attr-defined]  # noqa: B018
        import_module("raysynth.measures.seg")


def test_no_module_can_be_called() -> None:
    assert not callable(import_module("raysynth.train"))


def test_the_import_loads_nothing_heavy() -> None:
    code = f"import sys, raysynth; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_settings_and_bundles_are_judged_without_torch_or_ray() -> None:
    modules = (
        "raysynth.config.reading",
        "raysynth.config.places",
        "raysynth.config.kinds",
        "raysynth.cascade.bundle_info",
        "raysynth.cli.main",
        "raysynth.api",
    )
    heavy = ("torch", "ray", "diffusers", "pyshtools")
    code = f"import sys, {', '.join(modules)}; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
