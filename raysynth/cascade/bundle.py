"""Model bundles: the trained models of one data set in one folder, with all that generation must know of it."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from diffusers import DDIMScheduler, UNet2DModel
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError

from raysynth.base.errors import InputError, damaged
from raysynth.cascade.card import model_card
from raysynth.config import Config
from raysynth.models.masks import MaskLimits
from raysynth.models.texture import TextureModel, open_texture
from raysynth.models.views import MultiViewModel
from raysynth.preparation.statistics import PopulationStatistics

T = TypeVar("T")

SHIPPED = Path(str(files("raysynth.bundles")))

# What a network's weights fix: taken from the bundle whatever the config says.
STRUCTURE: dict[str, tuple[str, ...]] = {
    "masks": ("channels", "truncation_px", "resolution_px"),
    "views": ("layout", "count", "side_px", "truncation_px", "volume", "channels", "volume_channels"),
    "texture": ("conditioning", "autoencoder", "folding", "channels", "spread", "resolution_px"),
}


class BundleInfo(BaseModel):
    """`bundle.json`."""

    format: int = 1
    name: str
    statistics: PopulationStatistics
    mask_limits: MaskLimits
    structure: dict[str, dict[str, Any]] = {}
    data: dict[str, str] = {"source": "", "licence": "", "attribution": ""}
    figures: dict[str, dict[str, float]] = {}
    commands: dict[str, str] = {}
    fidelity: dict[str, float] = {}
    fidelity_command: str = ""


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; each model is read when first asked for."""

    folder: Path
    info: BundleInfo

    @cached_property
    def masks(self) -> tuple[UNet2DModel, DDIMScheduler]:
        """MaskDDPM and its schedule."""
        return self._read(
            "mask_ddpm", lambda part: (UNet2DModel.from_pretrained(part), DDIMScheduler.from_pretrained(part))
        )

    @cached_property
    def views(self) -> tuple[MultiViewModel, DDIMScheduler]:
        """SyncDreamer and its schedule (3D)."""
        return self._read(
            "syncdreamer", lambda part: (MultiViewModel.from_pretrained(part), DDIMScheduler.from_pretrained(part))
        )

    @cached_property
    def texture(self) -> TextureModel:
        """The texture model."""
        return self._read("texture", open_texture)

    def check(self, config: Config) -> None:
        """Read every model that makes the cells of `config`; InputError for a damaged one, before anything needs it."""
        _ = self.masks, self.texture
        if config.has_views:
            _ = self.views

    def _read(self, name: str, read: Callable[[Path], T]) -> T:
        """One model from its folder; diffusers would look for a missing one on its hub."""
        part = self.folder / name
        if not part.is_dir():
            raise InputError(f"bundle {self.folder} has no {name}: train that model, or copy the whole bundle")
        try:
            return read(part)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"bundle {self.folder} is damaged ({reason}): install or train it again") from None

    @cached_property
    def digest(self) -> str:
        """sha256 over the names and bytes of everything but the model card."""
        whole = hashlib.sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file() and p.suffix != ".md"):
            whole.update(path.relative_to(self.folder).as_posix().encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()

    def resolve(self, config: Config) -> Config:
        """`config` with everything that the trained weights fix put in from the bundle.

        Raises InputError when the bundle is for the other number of dimensions, or lacks what the settings ask for.
        """
        if self.info.statistics.dimensions != config.data.dimensions:
            made_for = self.info.statistics.dimensions
            raise InputError(
                f"bundle {self.info.name} makes {made_for}D cells but data.dimensions is {config.data.dimensions}"
            )
        measured = config.shapes.source == "measured" and config.surface.source == "harmonics"
        if config.data.dimensions == 3 and measured and self.info.statistics.shapes is None:
            raise InputError(
                f"surface.source is 'harmonics' but bundle {self.info.name} has no measured shapes: "
                "set shapes.source to 'plain', or prepare and train again"
            )
        groups = {name: getattr(config, name) for name in self.info.structure}
        fixed = {
            name: type(group).model_validate(group.model_dump() | self.info.structure[name])
            for name, group in groups.items()
        }
        return config.model_copy(update=fixed)


def is_bundle(name: str) -> bool:
    """Whether a bundle of this name is shipped, or this folder is one."""
    return any((folder / "bundle.json").is_file() for folder in _places(name))


def _places(name: str) -> tuple[Path, Path]:
    return Path(name), SHIPPED / name


def find_bundle(name: str) -> Path:
    """The folder of a bundle given by name (shipped with the package) or by path."""
    for folder in _places(name):
        if (folder / "bundle.json").is_file():
            return folder
    known = sorted(p.parent.name for p in SHIPPED.glob("*/bundle.json"))
    raise InputError(f"bundle {name} was not found: give a folder with a bundle.json, or one of {', '.join(known)}")


def open_bundle(name: str) -> Bundle:
    """Open a bundle by name or folder; its models are read when first used."""
    folder = find_bundle(name)
    try:
        return Bundle(folder, BundleInfo.model_validate_json((folder / "bundle.json").read_bytes()))
    except ValidationError as error:
        raise damaged(folder / "bundle.json", error, "install or train it again") from None


def save_part(folder: Path, part: str, write: Callable[[Path], None]) -> None:
    """Put one model into a bundle folder: written beside, then swapped in."""
    unfinished, target = folder / f".{part}", folder / part
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write(unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)


def save_info(folder: Path, info: BundleInfo) -> None:
    """Write `bundle.json` and the model card, each atomically."""
    for name, text in (("README.md", model_card(info)), ("bundle.json", info.model_dump_json(indent=1) + "\n")):
        unfinished = folder / f".{name}"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(folder / name)
