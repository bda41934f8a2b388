"""A configuration without data takes what it must know of them from its bundle."""

from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.config.reading import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "new.yaml"
    path.write_text("name: new\nbundle: embryo-3d\npopulation: {frame_px: [10, 64, 64]}\n")
    return path


def test_dimensions_voxel_and_origin_are_the_bundles(file: Path) -> None:
    data = load(file).data
    assert (data.dimensions, data.voxel_um, data.root) == (3, (1.75, 0.8, 0.8), "")
    assert "BBBC050" in data.source
    assert load(file, ["bundle=nuclei-2d", "population.frame_px=[64, 64]"]).data.dimensions == 2


def test_code_may_leave_data_out_too() -> None:
    config = Config.model_validate({"name": "new", "bundle": "nuclei-2d", "population": {"frame_px": (64, 64)}})
    assert config.data.dimensions == 2
    assert config.with_(generate={"frames": 3}).data == config.data


def test_a_frame_that_does_not_fit_the_bundle_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match=r"line 3: population\.frame_px needs 2 values for 2D data"):
        load(file, ["bundle=nuclei-2d"])


def test_without_a_bundle_data_are_missing(file: Path) -> None:
    with pytest.raises(InputError, match=r"data is missing; add it"):
        load(file, ["bundle=null"])
    with pytest.raises(InputError, match=r"bundle must be text, not 3; correct it"):
        load(file, ["bundle=3"])


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"statistics": {"dimensions": 2}}', '{"statistics": {"dimensions": 7, "voxel_um": null}}'],
)
def test_a_missing_or_damaged_bundle_is_named(file: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="bundle moon was not found"):
        load(file, ["bundle=moon"])
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(InputError, match=r"bundle\.json is damaged"):
        load(file, [f"bundle={tmp_path}"])
