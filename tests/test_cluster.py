"""cluster.yaml against ray's own schema, and against the versions it must agree with."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]


Settings = dict[str, Any]


@pytest.fixture
def cluster() -> Settings:
    settings: Settings = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return settings


def test_ray_accepts_it(cluster: Settings) -> None:
    filled = prepare_config(cluster)
    validate_config(filled)
    assert filled["available_node_types"]["gpu"]["resources"]["GPU"] == 1
    assert filled["available_node_types"]["gpu"]["max_workers"] <= filled["max_workers"]


def test_ray_refuses_a_misspelt_key(cluster: Settings) -> None:
    filled = prepare_config(cluster | {"idle_timeout": 5})
    with pytest.raises(Exception, match="idle_timeout"):
        validate_config(filled)


def test_the_image_holds_the_pinned_ray(cluster: Settings) -> None:
    pinned = re.search(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert cluster["docker"]["image"].startswith(f"rayproject/ray:{pinned[1]}-py311")


def test_the_named_command_and_configuration_exist(cluster: Settings) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert 'raysynth = "raysynth.cli.main:main"' in project
    assert (ROOT / "configs" / "nuclei-2d.yaml").is_file()
