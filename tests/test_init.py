"""The verbs as functions of the package."""

import pytest

import raysynth
from raysynth.actors.generate import generate
from raysynth.base.errors import InputError
from raysynth.config import Config, DataConfig, PopulationConfig
from raysynth.store.reader import Dataset


def test_verbs_are_the_functions_of_their_modules() -> None:
    assert raysynth.generate is generate
    assert raysynth.open is Dataset
    assert raysynth.InputError is InputError


@pytest.mark.parametrize("name", raysynth.__all__)
def test_every_name_is_there_and_can_be_called(name: str) -> None:
    assert callable(getattr(raysynth, name))
    assert name in dir(raysynth)


def test_train_is_a_verb_and_a_package() -> None:
    import raysynth.train.run

    data, population = DataConfig(root="-", dimensions=2), PopulationConfig(frame_px=(8, 8))
    config = Config(name="flat", data=data, population=population)
    with pytest.raises(InputError, match="no views model"):
        raysynth.train(config, "views")


def test_other_names_are_missing() -> None:
    with pytest.raises(AttributeError, match="harvest"):
        raysynth.harvest  # noqa: B018
