"""A table's folder belongs to one set of settings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.config import Config, DataConfig, EvaluateConfig, PopulationConfig
from raysynth.experiment.plan import PLAN, make_plan


@pytest.fixture
def config(pairs: Callable[..., Path]) -> Config:
    data = DataConfig.model_validate(
        {"root": str(pairs("real", 3)), "layout": "pairs", "dimensions": 2, "group_pattern": "(f[0-9]+)"}
        | {"split": {"by": "group", "train": ("f00",), "validation": ("f01",), "test": ("f02",)}}
    )
    return Config(name="discs", data=data, population=PopulationConfig(frame_px=(72, 80)))


def test_the_training_cells_give_the_diameter(config: Config, tmp_path: Path) -> None:
    plan = make_plan(config, tmp_path, {}, None)
    assert 12 < plan["diameter_px"] < 16
    assert json.loads((tmp_path / PLAN).read_text()) == plan


def test_seeds_arms_and_sets_may_be_added_and_nothing_else_changed(config: Config, tmp_path: Path) -> None:
    make_plan(config, tmp_path, {"main": ["a.zarr", "1"]}, None)
    more = config.model_copy(update={"evaluate": EvaluateConfig(seeds=5, arms=("real",))})
    plan = make_plan(more, tmp_path, {"rho-0": ["b.zarr", "2"]}, None)
    assert plan["synthetic"] == {"main": ["a.zarr", "1"], "rho-0": ["b.zarr", "2"]}
    with pytest.raises(InputError, match="another synthetic set main"):
        make_plan(config, tmp_path, {"main": ["a.zarr", "3"]}, None)
    longer = config.model_copy(update={"evaluate": EvaluateConfig(steps=1000)})
    with pytest.raises(InputError, match="another evaluate"):
        make_plan(longer, tmp_path, {}, None)
    (tmp_path / "weights.pt").write_bytes(b"0")
    with pytest.raises(InputError, match="another start"):
        make_plan(config, tmp_path, {}, tmp_path / "weights.pt")


def test_a_folder_that_cannot_be_written_is_named(config: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        make_plan(config, tmp_path / "file", {}, None)
