"""Where a training starts: from scratch, or from the same model of another bundle, the few-image user's way."""

from pathlib import Path
from typing import Any, TypeVar

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.bundle_info import read_info
from raysynth.config import MasksConfig, TextureConfig, ViewsConfig
from raysynth.config.kinds import ModelKind, ModelName
from raysynth.config.shipped import is_bundle

SCRATCH = "scratch"
"""The start of a model with random weights."""

Group = TypeVar("Group", MasksConfig, ViewsConfig, TextureConfig)
"""Settings of one model."""


def with_structure(kind: ModelKind, settings: Group) -> Group:
    """Take what the weights that a training starts from fix from their bundle.

    Parameters
    ----------
    kind
        Which model.
    settings
        Its group of settings.

    Returns
    -------
    Settings
        The group with the bundle's structure; the group itself for starts that are no bundle.

    Raises
    ------
    InputError
        If a start is neither `scratch` nor a bundle (texture: or else left to Stable Diffusion), or if the bundle has
        no such model.
    """
    start = settings.start
    if start == SCRATCH or (kind.other_starts and not is_bundle(start)):
        return settings
    structure = read_info(start).structure
    if kind.name not in structure:
        raise InputError(f"{kind.name}.start: bundle {start} has no {kind.name} model to start from")
    fixed = [name for name in kind.structure if name in structure[kind.name] and name not in kind.retrained]
    return settings.with_(**{name: structure[kind.name][name] for name in fixed})


def anchored(settings: Group) -> Group:
    """Name a start that is a folder here in full: workers have current folders of their own.

    Parameters
    ----------
    settings
        A model's group of settings.

    Returns
    -------
    Settings
        The group, its start absolute where that is a folder.
    """
    if not Path(settings.start).is_dir():
        return settings
    return settings.with_(start=str(Path(settings.start).absolute()))


def model_of_start(name: ModelName, start: str) -> Any:
    """Open the model that a training starts from.

    Parameters
    ----------
    name
        Which model.
    start
        The setting `start` of its group.

    Returns
    -------
    Any
        What the model's kind opens; None when the start is no bundle.
    """
    return open_bundle(start).model(name) if start != SCRATCH and is_bundle(start) else None
