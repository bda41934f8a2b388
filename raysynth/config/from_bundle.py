"""What a bundle says of its data, for configurations that have no `data` of their own."""

import json
from typing import Any

from raysynth.base.errors import InputError
from raysynth.config.data import DataConfig
from raysynth.config.shipped import find_bundle


def data_of_bundle(settings: dict[str, Any]) -> DataConfig | None:
    """Take the group `data` from the configuration's bundle.

    Parameters
    ----------
    settings
        The settings read so far; `bundle` counts.

    Returns
    -------
    DataConfig or None
        Dimensions, voxel size and origin; the folder of the data stays empty. None when there is no bundle either.

    Raises
    ------
    InputError
        When the bundle is not there or damaged.
    """
    name = settings.get("bundle")
    if name is None:
        return None
    file = find_bundle(name) / "bundle.json"
    try:
        # As plain JSON: the class of this document lives above the settings, which must not import it.
        bundle = json.loads(file.read_bytes())
        statistics, origin = bundle["statistics"], bundle.get("data", {})
        voxel = statistics["voxel_um"]
        return DataConfig(
            root="",
            dimensions=statistics["dimensions"],
            voxel_um=None if voxel is None else tuple(voxel),
            # Bundles without an origin are still good to generate with.
            **{key: str(origin.get(key, "")) for key in ("source", "licence", "attribution")},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file} is damaged: install or train the bundle again") from None
