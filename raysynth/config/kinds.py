"""The kinds of models that a bundle holds, each described once.

Whatever differs from one kind to another stands in its record here, or in its training task. A fourth kind is a record
in `KINDS`, its group in `Config`, and its task. Networks and tasks are named as `module:name`: they are imported when
they are used, so that reading this costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from raysynth.config import Config
from raysynth.config.base import Settings

ModelName = Literal["masks", "views", "texture"]
"""A model's name: that of its group of settings, and of its folder below a training's storage."""


def _always(config: Config) -> bool:
    return True


def _nothing_else(config: Config, storage: str) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class ModelKind:
    """What the package must know of one kind of model.

    Attributes
    ----------
    name
        Its name, also that of its group of settings.
    folder
        Its folder in a bundle.
    title, summary
        Heading and first sentence of its section of the model card.
    structure
        Settings of its group that the trained weights fix. They are taken from the bundle, whatever the config says.
    opener
        `module:function` that opens the model in a folder.
    task
        `module:class` of its training task.
    task_takes
        From the config and the storage of the training to the keywords that the task takes beside the prepared data
        and its group of settings.
    needed
        Whether the cells of a config are made with it.
    dimensions
        Numbers of dimensions of the data that it can be trained on.
    retrained
        Settings of `structure` that a training chooses anew although it starts from a bundle's weights.
    not_bytes
        Settings of its group that leave the bytes of a data set alone.
    other_starts
        Whether it may start from something that is no bundle. Its task opens that.
    """

    name: ModelName
    folder: str
    title: str
    summary: str
    structure: tuple[str, ...]
    opener: str
    task: str
    task_takes: Callable[[Config, str], dict[str, Any]] = _nothing_else
    needed: Callable[[Config], bool] = _always
    dimensions: tuple[int, ...] = (2, 3)
    retrained: tuple[str, ...] = ("resolution_px",)
    not_bytes: tuple[str, ...] = ("train",)
    other_starts: bool = False

    def settings(self, config: Config) -> Any:
        """Return its group of settings.

        Parameters
        ----------
        config
            All settings.

        Returns
        -------
        Settings
            The group, for example `config.masks`.
        """
        group: Settings = getattr(config, self.name)
        return group

    def open(self, folder: Path) -> Any:
        """Open the model that is saved in a folder.

        Parameters
        ----------
        folder
            This model's folder in a bundle.

        Returns
        -------
        Any
            What the opener gives: the network, with its noise schedule beside it or in it.
        """
        return _imported(self.opener)(folder)

    def task_class(self) -> Any:
        """Import the class of its training task.

        Returns
        -------
        type
            A class that is called with prepared data, the group of settings, and what `task_takes` gives.
        """
        return _imported(self.task)


def _imported(place: str) -> Any:
    """Import what `module:name` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


KINDS: dict[ModelName, ModelKind] = {
    kind.name: kind
    # Folders and structures are read from bundles that exist already: renaming one here would orphan those.
    for kind in (
        ModelKind(
            name="masks",
            folder="mask_ddpm",
            title="MaskDDPM",
            summary=(
                "`mask_ddpm/`, a diffusers `UNet2DModel` on folded signed distances, conditioned on area, solidity "
                "and elongation"
            ),
            structure=("channels", "truncation_px", "resolution_px"),
            opener="raysynth.models.masks:open_mask_model",
            task="raysynth.train.masks:MaskTask",
        ),
        ModelKind(
            name="views",
            folder="syncdreamer",
            title="SyncDreamer",
            summary="`syncdreamer/`, trained on shapes drawn from the spectrum of the cells' surfaces, and metaballs",
            structure=("layout", "count", "side_px", "truncation_px", "volume", "channels", "volume_channels"),
            opener="raysynth.models.views:open_view_model",
            task="raysynth.train.views:ViewsTask",
            task_takes=lambda config, storage: {"shapes": config.shapes},
            needed=lambda config: config.has_views,
            dimensions=(3,),
        ),
        ModelKind(
            name="texture",
            folder="texture",
            title="Texture diffusion",
            summary="`texture/`, diffusers modules, conditioned on mask, relative height and brightness",
            structure=("conditioning", "autoencoder", "folding", "channels", "spread", "resolution_px"),
            opener="raysynth.models.texture:open_texture",
            task="raysynth.train.texture:TextureTask",
            task_takes=lambda config, storage: {
                "truncation_px": config.masks.truncation_px,
                "storage": storage,
                "device": config.runtime.device,
            },
            other_starts=True,
        ),
    )
}
"""Every kind of model, by name, in the order in which a cell is made."""


def needed_models(config: Config) -> tuple[ModelName, ...]:
    """Name the models that the cells of a config are made with.

    Parameters
    ----------
    config
        All settings. Neither 2D data nor solids of random harmonics need views.

    Returns
    -------
    tuple of ModelName
        Their names, in the order in which a cell is made.
    """
    return tuple(kind.name for kind in KINDS.values() if kind.needed(config))
