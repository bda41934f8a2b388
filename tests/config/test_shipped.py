"""Configurations and bundles that come with the package are found by name."""

from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.config.shipped import SHIPPED_BUNDLES, SHIPPED_CONFIGS, find_bundle, find_config, is_bundle, shipped_names


def test_names_are_those_of_the_folder() -> None:
    folder = Path(__file__).parents[2] / "configs"
    assert folder == SHIPPED_CONFIGS
    assert shipped_names() == sorted(path.stem for path in folder.glob("*.yaml"))


def test_a_path_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config("hela") == SHIPPED_CONFIGS / "hela.yaml"
    assert find_config("hela.yaml") == SHIPPED_CONFIGS / "hela.yaml"
    assert find_config("configs/hela.yaml") == SHIPPED_CONFIGS / "hela.yaml"
    Path("hela.yaml").write_text("")
    assert find_config("hela.yaml") == Path("hela.yaml")
    with pytest.raises(InputError, match=r"^moon: there is no such configuration file; give its path, or one of ce, "):
        find_config("moon")


def test_bundles_by_folder_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle("nuclei-2d") == SHIPPED_BUNDLES / "nuclei-2d"
    assert not is_bundle("moon")
    with pytest.raises(InputError, match=r"^bundle moon was not found: .*, or one of embryo-3d, nuclei-2d$"):
        find_bundle("moon")
    own = tmp_path / "nuclei-2d"
    own.mkdir()
    (own / "bundle.json").write_text("{}")
    assert find_bundle("nuclei-2d") == Path("nuclei-2d")
    assert find_bundle(own) == own
