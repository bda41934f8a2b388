"""What a bundle says of itself: `bundle.json`, read and judged without its models.

Nothing here imports torch, so a misspelt bundle, or one for other data, is refused at once.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from raysynth.base.errors import InputError, damaged
from raysynth.config import Config
from raysynth.config.kinds import KINDS
from raysynth.config.shipped import find_bundle
from raysynth.preparation.mask_limits import MaskLimits
from raysynth.preparation.statistics import PopulationStatistics

BUNDLE_FILE = "bundle.json"
"""Name of the description in a bundle's folder."""


class BundleInfo(BaseModel):
    """The contents of `bundle.json`.

    Attributes
    ----------
    format
        Version of the layout.
    name
        Name of the configuration that it was trained with.
    statistics
        The population that it was trained on.
    mask_limits
        How far a drawn mask may lie from the training masks.
    structure
        Model → the settings that its weights fix.
    data
        Source, licence and attribution of the training data.
    figures
        Model → the metrics at the end of its training.
    commands
        Model → the command that trained it.
    fidelity, fidelity_command
        How far new cells are from real ones, by metric, and the command that measured it; empty: not measured.
    """

    format: Literal[1] = 1
    name: str
    statistics: PopulationStatistics
    mask_limits: MaskLimits
    structure: dict[str, dict[str, Any]] = {}
    data: dict[str, str] = {"source": "", "licence": "", "attribution": ""}
    figures: dict[str, dict[str, float]] = {}
    commands: dict[str, str] = {}
    fidelity: dict[str, float] = {}
    fidelity_command: str = ""


def read_info(bundle: str | Path) -> BundleInfo:
    """Read what a bundle says of itself.

    Parameters
    ----------
    bundle
        A folder, or the name of a bundle that comes with the package.

    Returns
    -------
    BundleInfo
        Its description.

    Raises
    ------
    InputError
        When there is no such bundle, or its description is damaged.
    """
    file = find_bundle(bundle) / BUNDLE_FILE
    try:
        return BundleInfo.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise damaged(file, error, "install or train it again") from None


def resolve(config: Config, info: BundleInfo) -> Config:
    """Put everything that the trained weights fix into the settings.

    Parameters
    ----------
    config
        All settings.
    info
        Description of the bundle that generates.

    Returns
    -------
    Config
        The settings with the structure of the bundle's models. Nothing else is taken from the bundle.

    Raises
    ------
    InputError
        When the bundle is for the other number of dimensions, lacks what the settings ask for, or names settings that
        its models do not fix.
    """
    dimensions = info.statistics.dimensions
    if dimensions != config.data.dimensions:
        raise InputError(
            f"bundle {info.name} makes {dimensions}D cells but data.dimensions is {config.data.dimensions}"
        )
    measured = config.shapes.source == "measured" and config.surface.source == "harmonics"
    if dimensions == 3 and measured and info.statistics.shapes is None:
        raise InputError(
            f"surface.source is 'harmonics' but bundle {info.name} has no measured shapes: "
            "set shapes.source to 'plain', or prepare and train again"
        )
    _refuse_other_settings(info)
    try:
        # Checked as any configuration is: a bundle may come from another version, or be written by hand.
        return config.with_(**info.structure)
    except InputError as error:
        raise InputError(f"bundle {info.name} does not fit the settings: {error}") from None


def _refuse_other_settings(info: BundleInfo) -> None:
    """Raise InputError when the structure names a model or a setting that no weights fix: bundles come from anyone."""
    for model, settings in info.structure.items():
        known: dict[str, tuple[str, ...]] = {name: kind.structure for name, kind in KINDS.items()}
        if model not in known:
            raise _foreign(info, model)
        for setting in settings:
            if setting not in known[model]:
                raise _foreign(info, f"{model}.{setting}")


def _foreign(info: BundleInfo, setting: str) -> InputError:
    return InputError(
        f"bundle {info.name} sets {setting}, which no model of a bundle fixes: "
        f"take {setting} out of the structure in its {BUNDLE_FILE}, or use another bundle"
    )
