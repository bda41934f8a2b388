"""Every setting is known by its path."""

from raysynth.config import Config
from raysynth.config.messages import describe


def test_describe_names_every_setting() -> None:
    paths = [".".join(map(str, path)) for path, _ in describe(Config)]
    assert len(paths) == len(set(paths))
    assert {"name", "data", "data.split.by", "texture.train.ema", "runtime.threads"} <= set(paths)


def test_every_setting_says_what_it_is() -> None:
    groups = {path[:-1] for path, _ in describe(Config)}
    assert [path for path, field in describe(Config) if path not in groups and not field.description] == []
