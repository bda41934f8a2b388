"""Old names of settings become present ones, in files and in what older versions have stored."""

import pytest

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.config.aliases import RENAMED, comparable, upgrade
from raysynth.config.messages import describe


def test_old_names_are_gone_and_new_ones_are_settings() -> None:
    paths = {path for path, _ in describe(Config)}
    assert set(RENAMED.values()) <= paths
    assert not set(RENAMED) & paths


def test_upgrade_renames_in_a_copy_and_says_so() -> None:
    stored = {"name": "x", "evaluate": {"real_share": 0.3, "steps": 10}}
    said: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    assert upgrade(stored, lambda old, new: said.append((old, new))) == {
        "name": "x",
        "evaluate": {"real_fraction": 0.3, "steps": 10},
    }
    assert said == [(("evaluate", "real_share"), ("evaluate", "real_fraction"))]
    assert "real_share" in stored["evaluate"]


@pytest.mark.parametrize("stored", [{}, {"evaluate": None}, {"evaluate": 3}, {"evaluate": {"steps": 3}}])
def test_what_has_no_old_name_stays(stored: dict[str, object]) -> None:
    assert upgrade(stored) == stored


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="remove one of the two"):
        upgrade({"evaluate": {"real_share": 0.3, "real_fraction": 0.4}})


def test_settings_are_compared_without_the_type_of_images() -> None:
    assert comparable({"generate": {"dtype": "uint16", "levels": 2}}) == {"generate": {"levels": 2}}
    assert comparable({"generate": None}) == {"generate": None}
