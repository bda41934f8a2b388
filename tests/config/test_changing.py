"""Changes by code are judged like those of a file, and say in one sentence what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.errors import InputError
from raysynth.config import Config, MasksConfig
from raysynth.config.reading import load


@pytest.fixture(scope="module")
def config() -> Config:
    return load("nuclei-2d")


def test_a_change_leaves_the_rest_and_the_original(config: Config) -> None:
    before = config.model_dump()
    changed = config.with_(name="more", generate={"frames": 3}, masks={"train": {"steps": 7}})
    assert config.model_dump() == before
    assert (changed.name, changed.generate.frames, changed.masks.train.steps) == ("more", 3, 7)
    assert changed.generate.out == config.generate.out
    assert changed.masks.train.batch == config.masks.train.batch
    assert config.with_() == config


def test_values_may_be_pythons_own(config: Config) -> None:
    changed = config.with_(
        workspace=Path("elsewhere"),
        population={"frame_px": (np.int64(64), 64)},
        masks=MasksConfig(batch=5),
    )
    assert changed.workspace == "elsewhere"
    assert changed.population.frame_px == (64, 64)
    assert changed.masks == MasksConfig(batch=5)
    assert config.generate.with_(frames=9).frames == 9


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"generate": {"frames": 0}}, "generate.frames must be greater than or equal to 1, not 0; correct it (frames"),
        ({"generate": {"fraems": 3}}, "generate.fraems is not a setting; write generate.frames if"),
        ({"generate": 3}, "generate must be a group of settings, not 3"),
        ({"imaging": {"read_noise": float("inf")}}, "imaging.read_noise must be a finite number"),
        ({"imaging": {"read_noise": float("nan")}}, "imaging.read_noise must be a finite number"),
        ({"population": {"frame_px": (1, 2, 3)}}, "population.frame_px needs 2 values"),
        ({"name": "Not Allowed"}, "name must match pattern"),
    ],
)
def test_a_mistake_is_one_sentence(config: Config, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        config.with_(**changes)
    message = str(raised.value)
    assert message.startswith(sentence)
    assert message.endswith(".")
    assert "\n" not in message


@given(batch=st.integers(-3, 100), tail=st.floats(-0.1, 0.6))
def test_a_group_takes_what_its_class_takes(batch: int, tail: float) -> None:
    try:
        expected = MasksConfig(batch=batch, tail=tail)
    except ValueError:
        with pytest.raises(InputError):
            MasksConfig().with_(batch=batch, tail=tail)
    else:
        assert MasksConfig().with_(batch=batch, tail=tail) == expected
