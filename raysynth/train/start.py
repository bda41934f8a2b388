"""Where a training starts: from scratch, or from the same model of another bundle, the few-image user's way."""

from pathlib import Path
from typing import Literal

from diffusers import UNet2DModel

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import STRUCTURE, Bundle, is_bundle, open_bundle
from raysynth.config import Config
from raysynth.models import masks as mask_ddpm
from raysynth.models.views import MultiViewModel

Model = Literal["masks", "views", "texture"]
SCRATCH = "scratch"


def started(config: Config, model: Model) -> Config:
    """`config` with what the weights it starts from fix taken from their bundle; as it is for other starts.

    Raises InputError when a start is neither `scratch` nor a bundle (texture: or Stable Diffusion's checkpoint), or
    when the bundle has no such model.
    """
    group = getattr(config, model)
    if group.start == SCRATCH or (model == "texture" and not is_bundle(group.start)):
        return config
    structure = open_bundle(group.start).info.structure
    if model not in structure:
        raise InputError(f"{model}.start: bundle {group.start} has no {model} model to start from")
    fixed = {name: structure[model][name] for name in STRUCTURE[model] if name in structure[model]}
    fixed.pop("resolution_px", None)  # at which side it works is the user's choice
    changed = type(group).model_validate(group.model_dump() | fixed)
    return config.model_copy(update={model: changed})


def anchored(config: Config, model: Model) -> Config:
    """`config` with a start that is a folder here named in full: workers have folders of their own."""
    group = getattr(config, model)
    if not Path(group.start).is_dir():
        return config
    return config.model_copy(update={model: group.model_copy(update={"start": str(Path(group.start).absolute())})})


def bundle_of(start: str) -> Bundle | None:
    """The bundle that a start names; None for other starts."""
    return open_bundle(start) if start != SCRATCH and is_bundle(start) else None


def mask_network(config: Config, side_px: int) -> UNet2DModel:
    """MaskDDPM for crops of `side_px`: untrained, or a bundle's, which keeps its folding."""
    bundle = bundle_of(config.masks.start)
    if bundle is None:
        return mask_ddpm.build(side_px, config.masks)
    network, _ = bundle.masks
    network.register_to_config(sample_size=side_px // mask_ddpm.folding_of(network))
    return network


def view_network(config: Config) -> MultiViewModel | None:
    """SyncDreamer of the bundle that `views.start` names; None from scratch."""
    bundle = bundle_of(config.views.start)
    return None if bundle is None else bundle.views[0]
