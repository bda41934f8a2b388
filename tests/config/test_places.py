"""Folders are absolute, addresses stay, and all follow from the settings."""

from pathlib import Path

import pytest

from raysynth.config.places import Places
from raysynth.config.reading import load


def test_folders_are_below_the_workspace_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = Places.of(load("demo-2d"))
    own = tmp_path / "workspace" / "demo-2d"
    assert places == Places(
        workspace=str(own),
        prepared=str(own / "prepared"),
        bundle=str(own / "bundle"),
        storage=str(own / "training"),
        out=str(tmp_path / "out" / "demo-2d.zarr"),
    )
    assert places.training("masks") == str(own / "training" / "masks")


def test_storage_and_output_may_be_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load("demo-2d", ["storage=s3://bucket/runs/", "generate.out=s3://bucket/set.zarr"])
    places = Places.of(config)
    assert places.training("texture") == "s3://bucket/runs/demo-2d/texture"
    assert places.out == "s3://bucket/set.zarr"
    local = Places.of(config.with_(storage="shared"))
    assert local.training("views") == str(tmp_path / "shared" / "demo-2d" / "views")
