"""A table's folder belongs to one set of settings."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.config import DataConfig, EvaluateConfig
from raysynth.experiment.plan import PLAN, make_plan
from tests.fixtures.scenes import WritePairs

SETTINGS = EvaluateConfig()


@pytest.fixture
def data(pairs: WritePairs) -> DataConfig:
    return DataConfig.model_validate(
        {"root": str(pairs("real", 3)), "layout": "pairs", "dimensions": 2, "group_pattern": "(f[0-9]+)"}
        | {"split": {"by": "group", "train": ("f00",), "validation": ("f01",), "test": ("f02",)}}
    )


def test_the_training_cells_give_the_diameter(data: DataConfig, tmp_path: Path) -> None:
    plan = make_plan(data, SETTINGS, tmp_path, {}, None)
    assert 12 < plan.diameter_px < 16
    assert json.loads((tmp_path / PLAN).read_text()) == asdict(plan)


def test_seeds_arms_and_sets_may_be_added(data: DataConfig, tmp_path: Path) -> None:
    make_plan(data, SETTINGS, tmp_path, {"main": ["a.zarr", "1"]}, None)
    more = EvaluateConfig(seeds=5, arms=("real",))
    plan = make_plan(data, more, tmp_path, {"rho-0": ["b.zarr", "2"]}, None)
    assert plan.synthetic == {"main": ["a.zarr", "1"], "rho-0": ["b.zarr", "2"]}


def test_nothing_else_may_change(data: DataConfig, tmp_path: Path) -> None:
    make_plan(data, SETTINGS, tmp_path, {"main": ["a.zarr", "1"]}, None)
    before = (tmp_path / PLAN).read_bytes()
    with pytest.raises(InputError, match="another synthetic set main"):
        make_plan(data, SETTINGS, tmp_path, {"main": ["a.zarr", "3"]}, None)
    with pytest.raises(InputError, match="another evaluate"):
        make_plan(data, EvaluateConfig(steps=1000), tmp_path, {}, None)
    with pytest.raises(InputError, match="another data"):
        make_plan(data.with_(voxel_um=(1.0, 1.0)), SETTINGS, tmp_path, {}, None)
    (tmp_path / "weights.pt").write_bytes(b"0")
    with pytest.raises(InputError, match="another start"):
        make_plan(data, SETTINGS, tmp_path, {}, tmp_path / "weights.pt")
    assert (tmp_path / PLAN).read_bytes() == before


def test_a_plan_of_an_earlier_version_is_recognised(data: DataConfig, tmp_path: Path) -> None:
    """It has old names of settings, and none that came later."""
    make_plan(data, SETTINGS, tmp_path, {}, None)
    plan = json.loads((tmp_path / PLAN).read_text())
    plan["evaluate"]["real_share"] = plan["evaluate"].pop("real_fraction")
    del plan["evaluate"]["precision"]
    (tmp_path / PLAN).write_text(json.dumps(plan | {"diameter_px": 77.0}))
    assert make_plan(data, SETTINGS, tmp_path, {}, None).diameter_px == 77
    (tmp_path / PLAN).write_text(json.dumps(plan | {"evaluate": plan["evaluate"] | {"real_share": 0.3}}))
    with pytest.raises(InputError, match="another evaluate"):
        make_plan(data, SETTINGS, tmp_path, {}, None)


@pytest.mark.parametrize("text", ["{", "[]", '{"evaluate": {}}', "null"])
def test_a_damaged_plan_is_named(data: DataConfig, tmp_path: Path, text: str) -> None:
    (tmp_path / PLAN).write_text(text)
    with pytest.raises(InputError, match=r"plan\.json is damaged"):
        make_plan(data, SETTINGS, tmp_path, {}, None)


def test_a_folder_that_cannot_be_written_is_named(data: DataConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        make_plan(data, SETTINGS, tmp_path / "file", {}, None)
