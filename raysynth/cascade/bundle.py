"""Model bundles: the trained models of one data set in one folder, beside their description."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from raysynth.base.errors import InputError, first_line
from raysynth.base.staging import whole_file, whole_folder
from raysynth.cascade.bundle_info import BUNDLE_FILE, BundleInfo, read_info
from raysynth.cascade.card import model_card
from raysynth.config import Config
from raysynth.config.kinds import KINDS, ModelName, needed_models
from raysynth.config.shipped import find_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from diffusers import DDIMScheduler, UNet2DModel

    from raysynth.models.texture import TextureModel
    from raysynth.models.views import MultiViewModel


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; each model is read when first asked for.

    Attributes
    ----------
    folder
        Where it stands.
    info
        What it says of itself.
    """

    folder: Path
    info: BundleInfo
    _opened: dict[ModelName, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def masks(self) -> tuple["UNet2DModel", "DDIMScheduler"]:
        """MaskDDPM and its schedule."""
        masks: tuple[UNet2DModel, DDIMScheduler] = self.model("masks")
        return masks

    @property
    def views(self) -> tuple["MultiViewModel", "DDIMScheduler"]:
        """SyncDreamer and its schedule (3D)."""
        views: tuple[MultiViewModel, DDIMScheduler] = self.model("views")
        return views

    @property
    def texture(self) -> "TextureModel":
        """The texture model."""
        texture: TextureModel = self.model("texture")
        return texture

    def model(self, name: ModelName) -> Any:
        """Read one model, once.

        Parameters
        ----------
        name
            Which one.

        Returns
        -------
        Any
            What the model's kind opens: its network, with the noise schedule beside it or in it.

        Raises
        ------
        InputError
            When the bundle lacks it or it is damaged. A hub is never asked for it.
        """
        if name not in self._opened:
            self._opened[name] = self._read(name)
        return self._opened[name]

    def _read(self, name: ModelName) -> Any:
        kind = KINDS[name]
        if not (self.folder / kind.folder).is_dir():  # diffusers would look for a missing one on its hub
            raise InputError(f"bundle {self.folder} has no {kind.folder}: train that model, or copy the whole bundle")
        try:
            return kind.open(self.folder / kind.folder)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"bundle {self.folder} is damaged ({first_line(error)}): install or train it again"
            ) from None

    def check(self, config: Config) -> None:
        """Read every model that makes the cells of a config, so that damage shows before anything needs them.

        Parameters
        ----------
        config
            All settings.

        Raises
        ------
        InputError
            For a model that is missing or damaged.
        """
        for name in needed_models(config):
            self.model(name)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and bytes of all files but the model card, hexadecimal."""
        whole = hashlib.sha256()
        # Without the card: correcting its prose makes no other cells. Names count: they say what a file is for.
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file() and p.suffix != ".md"):
            whole.update(path.relative_to(self.folder).as_posix().encode())
            # The hash of each file, of fixed length: so no bytes can move from the end of one file to the next.
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()


def open_bundle(name: str | Path) -> Bundle:
    """Open a bundle; its models are read when first used.

    Parameters
    ----------
    name
        A folder, or the name of a bundle that comes with the package.

    Returns
    -------
    Bundle
        The opened bundle.

    Raises
    ------
    InputError
        When there is none, or its description is damaged.
    """
    return Bundle(find_bundle(name), read_info(name))


def save_part(folder: Path, part: str, write: "Callable[[Path], None]") -> None:
    """Put one model into a bundle, whole or not at all.

    Parameters
    ----------
    folder
        Of the bundle; made where it is not there yet.
    part
        The model's folder in it, `ModelKind.folder`.
    write
        Writes the model into the empty folder that it is given.
    """
    with whole_folder(folder / part, replace=True) as unfinished:
        write(unfinished)


def save_info(folder: Path, info: BundleInfo) -> None:
    """Write a bundle's description and its model card, each whole or not at all.

    Parameters
    ----------
    folder
        Of the bundle.
    info
        Its description.
    """
    # The description last: a folder is taken for a bundle once it has one.
    for name, text in (("README.md", model_card(info)), (BUNDLE_FILE, info.model_dump_json(indent=1) + "\n")):
        with whole_file(folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
