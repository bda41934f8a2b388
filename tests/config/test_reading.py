"""Configuration files: what they give, and the sentence every kind of mistake gets."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from raysynth.base.errors import InputError
from raysynth.config import Config
from raysynth.config.messages import describe
from raysynth.config.reading import load

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
Write = Callable[..., Path]
GOOD = """name: test
data:
  root: data/test
  dimensions: 3
  voxel_um: [1, 0.2, 0.2]
population:
  frame_px: [5, 64, 64]
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration file and returns its path."""

    def write(text: str, name: str = "test.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path: Path) -> None:
    assert load(path).name == path.stem


def test_the_shipped_configurations_are_all_there() -> None:
    names = {path.stem for path in CONFIGS}
    assert names >= {"hela", "gowt1", "cho", "ce", "nuclei-2d", "embryo-3d", "demo-2d", "demo-3d"}


def test_values_and_defaults(write: Write) -> None:
    config = load(write(GOOD + "texture: {train: {learning_rate: 1e-3}}\n"))
    assert config.data.voxel_um == (1.0, 0.2, 0.2)
    assert config.population.frame_px == (5, 64, 64)
    assert config.texture.train.learning_rate == 1e-3
    assert config.gate == Config.model_fields["gate"].default


def test_sequence_names_keep_their_zero(write: Write) -> None:
    text = GOOD.replace("  dimensions", "  split: {train: [01], test: [02]}\n  dimensions")
    assert load(write(text)).data.split.train == ("01",)


def test_an_override_wins_and_is_read_as_yaml(write: Write) -> None:
    config = load(write(GOOD), ["generate.frames=7", "data.voxel_um=[2, 1, 1]", "bundle=null", "generate.frames=9"])
    assert config.generate.frames == 9
    assert config.data.voxel_um == (2.0, 1.0, 1.0)


def test_extends_takes_what_is_not_set(write: Write) -> None:
    write(GOOD + "generate: {frames: 3, seed: 4}\n", "base.yaml")
    config = load(write("extends: base.yaml\nname: child\ngenerate:\n  frames: 8\n"))
    assert (config.name, config.generate.frames, config.generate.seed) == ("child", 8, 4)


def test_a_configuration_is_found_by_name_from_any_folder(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    child = write("extends: nuclei-2d\nname: child\n")
    monkeypatch.chdir(child.parent)
    assert load("demo-2d").name == "demo-2d"
    assert load(child).population.frame_px == (520, 696)
    assert load(write("extends: nuclei-2d.yaml\nname: child\n")).name == "child"


def test_a_file_wins_over_a_name_and_may_extend_its_namesake(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("extends: demo-2d\ngenerate: {seed: 5}\n", "demo-2d.yaml")
    monkeypatch.chdir(path.parent)
    assert load("demo-2d.yaml").generate.seed == 5
    (path.parent / "demo-3d").mkdir()
    assert load("demo-3d").name == "demo-3d"  # a folder is no configuration


def test_groups_that_share_an_anchor_change_alone(write: Write) -> None:
    text = GOOD + "masks: &shared {train: {steps: 5}}\ntexture: *shared\n"
    config = load(write(text), ["texture.autoencoder=2", "texture.train.steps=7"])
    assert (config.texture.autoencoder, config.texture.train.steps, config.masks.train.steps) == (2, 7, 5)


def test_old_names_are_read_with_a_line_that_says_the_new_one(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    base = write(GOOD + "evaluate: {real_share: 0.25}\n", "base.yaml")
    assert load(base).evaluate.real_fraction == 0.25
    assert capsys.readouterr().err == (
        f"{base}, line 8: evaluate.real_share is now called evaluate.real_fraction; the old name still works.\n"
    )
    child = write("extends: base.yaml\nevaluate: {real_fraction: 0.5}\n")
    assert load(child).evaluate.real_fraction == 0.5
    assert load(base, ["evaluate.real_share=0.75"]).evaluate.real_fraction == 0.75
    assert load(base, ["evaluate={real_share: 0.75}"]).evaluate.real_fraction == 0.75
    both = write(GOOD + "evaluate: {real_share: 0.25, real_fraction: 0.5}\n")
    with pytest.raises(InputError, match=r"real_share is the old name of evaluate\.real_fraction"):
        load(both)


def test_what_is_wrong_under_an_old_name_is_named_with_its_line(write: Write) -> None:
    with pytest.raises(InputError, match=r"line 8: evaluate\.real_fraction must be less than 1"):
        load(write(GOOD + "evaluate: {real_share: 2}\n"))


def test_extends_names_the_file_that_holds_the_mistake(write: Write) -> None:
    base = write(GOOD + "generate: {frames: 0}\n", "base.yaml")
    with pytest.raises(InputError, match=rf"^{base}, line 8: generate\.frames must be greater"):
        load(write("extends: base.yaml\nname: child\n"))
    child = write("extends: base.yaml\nname: child\ngenerate:\n  frames: -1\n")
    with pytest.raises(InputError, match=rf"^{child}, line 4: generate\.frames must be greater"):
        load(child)


WRONG = {
    "unknown key": (
        GOOD + "generate:\n  frame: 3\n",
        r"line 9: generate\.frame is not a setting; write generate\.frames",
    ),
    "key of another group": (GOOD + "frames: 3\n", r"line 8: frames is not a setting; write generate\.frames if"),
    "nothing like it": (GOOD + "zebra: 3\n", r"line 8: zebra is not a setting; remove it, or use one of name, bundle"),
    "wrong type": (GOOD + "generate: {frames: 3.5}\n", r"line 8: generate\.frames must be a whole number, not 3\.5"),
    "truth for a number": (
        GOOD + "generate: {frames: true}\n",
        r"line 8: generate\.frames must be a whole number, not",
    ),
    "unit in the value": (GOOD.replace("[1, 0.2, 0.2]", "0.2 um"), r"line 5: data\.voxel_um must be a list, .*in µm"),
    "unit in the key": (GOOD.replace("voxel_um", "voxel_nm"), r"line 5: data\.voxel_nm is not .*write data\.voxel_um"),
    "outside the limits": (
        GOOD + "gate:\n  min_iou: 3\n",
        r"line 9: gate\.min_iou must be less than or equal to 1, not 3",
    ),
    "not a multiple": (GOOD + "crops: {side_px: 20}\n", r"line 8: crops\.side_px must be a multiple of 16, not 20"),
    "not a choice": (
        GOOD + "runtime: {device: gpu}\n",
        r"line 8: runtime\.device must be 'auto', 'cpu' or 'cuda', not",
    ),
    "no branch of a union": (
        GOOD + "  region: oval\n",
        r"line 8: population\.region must be .* or be a list, not \"oval\"",
    ),
    "item of a list": (GOOD.replace("5, 64, 64", "5, 64, -1"), r"line 7: population\.frame_px\.2 must be greater than"),
    "missing": (GOOD.replace("  root: data/test\n", ""), r"line 2: data\.root is missing; add it \(folder of the real"),
    "missing data": (
        re.sub(r"data:(\n  .*)+", "", GOOD),
        r"test\.yaml: data is missing; add it",
    ),
    "infinite": (GOOD + "imaging: {read_noise: 1e999}\n", r"line 8: imaging\.read_noise must be a finite number"),
    "missing group": ("name: test\n", r"test\.yaml: data is missing; add it .*; 1 more to correct"),
    "empty group": (GOOD + "masks:\n", r"line 8: masks must be a group of settings, not null"),
    "voxel and dimensions": (GOOD.replace("s: 3", "s: 2"), r"line 5: voxel_um needs 2 values"),
    "frame and dimensions": (GOOD.replace("5, 64, 64", "64, 64"), r"line 7: population\.frame_px needs 3 values"),
    "key given twice": (GOOD + "name: again\n", r"line 8: name is already set \(.*line 1\); remove one of the two"),
    "not YAML": ("name: [\n", r"line 2: is not valid YAML \(.*\); correct it there"),
    "dangerous tag": (GOOD + "bundle: !!python/name:os.system\n", r"line 8: is not valid YAML \(could not determine"),
    "alias of itself": ("name: &x [*x]\n", r"test\.yaml: is not valid YAML \(an alias that holds itself\)"),
    "a list": ("- name\n", r"test\.yaml: must be a YAML mapping"),
    "empty": ("", r"test\.yaml: must be a YAML mapping"),
    "extends nothing": (
        "extends: none.yaml\n",
        r"line 1: extends names none\.yaml, which is neither beside .* nor one of .*nuclei-2d",
    ),
    "extends itself": ("extends: test.yaml\n", r"line 1: extends leads back to test\.yaml"),
    "extends a number": ("extends: 3\n", r"line 1: extends must be the name of another configuration file"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named_with_its_line(text: str, sentence: str, write: Write) -> None:
    with pytest.raises(InputError, match=sentence) as raised:
        load(write(text))
    message = str(raised.value)
    assert message.startswith(str(write("")))
    assert message.endswith(".")
    assert "\n" not in message


OVERRIDES = {
    "generate.frames": "--set generate.frames: is not of the form key.path=value",
    "generate.frames=many": '--set generate.frames=many: generate.frames must be a whole number, not "many"',
    "generate.frams=3": "--set generate.frams=3: generate.frams is not a setting; write generate.frames",
    "name.x=3": "--set name.x=3: name is no group of settings",
    "generate.frames=[": "--set generate.frames=[: the value, line 1: is not valid YAML",
    "data.voxel_um=null": "--set data.voxel_um=null: data.voxel_um is needed for 3D data",
    "data..root=x": "--set data..root=x: is not of the form key.path=value",
}


@pytest.mark.parametrize(("override", "sentence"), OVERRIDES.items())
def test_a_wrong_override_is_named_itself(override: str, sentence: str, write: Write) -> None:
    with pytest.raises(InputError) as raised:
        load(write(GOOD), [override])
    assert str(raised.value).startswith(sentence)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: there is no such configuration file; give .*, demo-2d, "):
        load(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "image.yaml").write_bytes(b"II*\x00\xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        load(tmp_path / "image.yaml")


# Any plain value anywhere in a file: it loads, or one sentence says why not.
PLAIN = st.none() | st.booleans() | st.integers(-5, 300) | st.floats(-2, 2) | st.sampled_from(["x", "none", "3 um", ""])
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("steps"), inner), max_leaves=3
)
PATHS = [path for path, _ in describe(Config)]


@settings(max_examples=200)
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_loads_or_gets_one_sentence(path: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    values = yaml.safe_load(GOOD)
    group = values
    for key in path[:-1]:
        group = group.setdefault(key, {})
    group[path[-1]] = value
    file = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump(values))
    sentence = mistake(file)
    assert sentence is None or (sentence.startswith(str(file)) and "\n" not in sentence)


def mistake(path: Path) -> str | None:
    """The sentence a file gets, None if it loads."""
    try:
        assert isinstance(load(path), Config)
    except InputError as error:
        return str(error)
    return None
