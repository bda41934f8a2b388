"""What a bundle says of itself, and what is taken from it: the structure of its models and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from raysynth.base.errors import InputError
from raysynth.cascade.bundle_info import BundleInfo, read_info, resolve
from raysynth.config import Config
from raysynth.config.kinds import KINDS
from raysynth.config.shipped import find_bundle


def config(dimensions: int, **groups: Any) -> Config:
    data = {"root": "none", "dimensions": dimensions, "voxel_um": [1.0] * dimensions}
    return Config.model_validate({"name": "x", "data": data, "population": {"frame_px": [64] * dimensions}} | groups)


def altered(folder: Path, change: dict[str, Any]) -> BundleInfo:
    """The description of a shipped bundle with other structure."""
    document = json.loads((find_bundle("embryo-3d") / "bundle.json").read_text())
    document["structure"] |= change
    (folder / "bundle.json").write_text(json.dumps(document))
    return read_info(folder)


def test_what_the_weights_fix_comes_from_the_bundle_and_nothing_else() -> None:
    info, settings = read_info("embryo-3d"), config(3, masks={"channels": [8, 8]}, texture={"sampler_steps": 7})
    resolved = resolve(settings, info)
    fixed: dict[str, Any] = {name: set(kind.structure) for name, kind in KINDS.items()}
    for group, values in info.structure.items():
        assert values == getattr(resolved, group).model_dump(mode="json", include=set(values))
    assert resolved.model_dump(exclude=fixed) == settings.model_dump(exclude=fixed)


def test_a_bundle_for_other_dimensions_is_refused() -> None:
    with pytest.raises(InputError, match=r"makes 3D cells but data\.dimensions is 2"):
        resolve(config(2), read_info("embryo-3d"))


def test_harmonics_need_a_bundle_with_shapes() -> None:
    info = read_info("embryo-3d")
    without = info.model_copy(update={"statistics": info.statistics.model_copy(update={"shapes": None})})
    with pytest.raises(InputError, match=r"surface\.source is 'harmonics' but bundle embryo-3d has no measured shapes"):
        resolve(config(3, surface={"source": "harmonics"}), without)
    plain = config(3, surface={"source": "harmonics"}, shapes={"source": "plain"})
    assert resolve(plain, without).surface.source == "harmonics"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"generate": {"out": "/home/you/thesis"}}, "generate"),
        ({"bundle": {}}, "bundle"),
        ({"masks": {"channels": [64], "start": "elsewhere"}}, "masks.start"),
        ({"texture": {"batch": 1}}, "texture.batch"),
    ],
)
def test_a_strangers_bundle_sets_nothing_but_structure(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=rf"bundle embryo-3d sets {named}, which no model of a bundle fixes") as error:
        resolve(config(3), altered(tmp_path, change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [[0], "wide", 1e400])
def test_structure_that_no_model_can_have_is_one_sentence(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match=r"bundle embryo-3d does not fit the settings: .*masks\.channels") as error:
        resolve(config(3), altered(tmp_path, {"masks": {"channels": value}}))
    assert "\n" not in str(error.value)


def test_an_early_bundle_without_some_settings_keeps_the_users(tmp_path: Path) -> None:
    info = altered(tmp_path, {"texture": {"conditioning": "concat", "channels": [48, 96, 96]}})
    assert resolve(config(3, texture={"spread": 0.7}), info).texture.spread == 0.7


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"bundle nobody was not found.*embryo-3d, nuclei-2d"):
        read_info("nobody")


@pytest.mark.parametrize("text", ["{", '{"name": "x"}', '{"format": 2, "name": "x"}'])
def test_damage_is_said_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(InputError, match=r"bundle.json is damaged at .*: install or train it again") as error:
        read_info(tmp_path)
    assert "\n" not in str(error.value)


def test_reading_a_description_imports_nothing_heavy() -> None:
    code = (
        "import sys; from raysynth.cascade.bundle_info import read_info; read_info('nuclei-2d');"
        "print(*sorted({'torch', 'ray', 'diffusers', 'pyshtools', 'skimage'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
