import inspect

import pytest

from raysynth.config import Config, SurfaceConfig
from raysynth.config.kinds import KINDS, ModelKind, needed_models


def of(dimensions: int, source: str = "neus") -> Config:
    return Config.model_validate(
        {
            "name": "discs",
            "data": {"root": "-", "dimensions": dimensions, "voxel_um": [1.0] * dimensions},
            "population": {"frame_px": [64] * dimensions},
            "surface": SurfaceConfig.model_validate({"source": source}),
        }
    )


def test_views_are_needed_for_solids_that_are_made_from_views() -> None:
    assert needed_models(of(2)) == ("masks", "texture")
    assert needed_models(of(3)) == ("masks", "views", "texture")
    assert needed_models(of(3, "harmonics")) == ("masks", "texture")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_names_settings_that_there_are_and_code_that_there_is(kind: ModelKind) -> None:
    config = of(3)
    group = type(kind.settings(config))
    assert {*kind.structure, *kind.not_bytes} <= set(group.model_fields)
    assert "start" in group.model_fields
    takes = kind.task_takes(config, "storage")
    assert ["prepared", "settings", *takes] == list(inspect.signature(kind.task_class()).parameters)
    module, _, name = kind.opener.partition(":")
    assert hasattr(__import__(module, fromlist=[name]), name)
