"""What a data set keeps of where it came from: its manifest, and the settings in its runs' records."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from raysynth.actors.finding import bundle_name
from raysynth.actors.sources import CellSource
from raysynth.base.addresses import absolute
from raysynth.base.errors import InputError
from raysynth.base.lease import LEASE_KEY
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.config.kinds import KINDS
from raysynth.population.settings import CompositionSettings
from raysynth.store.dataset import RUNS
from raysynth.store.manifest import BYTES_SINCE, Manifest
from raysynth.store.spec import DatasetSpec

_PACKAGES = ("torch", "diffusers", "numpy", "scipy", "scikit-image", "zarr", "numcodecs", "pyarrow")
"""Packages whose version may change bytes. raysynth itself stands for the first release that made the same ones."""

_STORED = get_args(DatasetSpec.model_fields["dtype"].annotation)
"""Types that images can have."""

NOT_BYTES: dict[str, Any] = {
    "name": True,
    "bundle": True,
    "workspace": True,
    "storage": True,
    "data": True,
    "crops": True,
    "evaluate": True,
    "generate": {"out", "frames", "seed", "dtype"},
    # `threads` is not among them: sums in another order have other last bits.
    "runtime": {"device", "actors", "max_actors", "cpus_per_actor", "max_attempts", "max_failures"},
    **{name: set(kind.not_bytes) for name, kind in KINDS.items()},
}
"""Settings that leave the bytes alone or stand in the manifest by themselves. The bundle's hash stands for `data`."""


def manifest_of(source: CellSource) -> Manifest:
    """Describe the data set that is made from cells.

    Parameters
    ----------
    source
        The cells, with all settings.

    Returns
    -------
    Manifest
        Everything that determines its bytes.

    Raises
    ------
    InputError
        When no data set stores the type of the real data.
    """
    config = source.config
    dtype = CompositionSettings.of(config).stored_dtype(source.statistics.dtype)
    if dtype not in _STORED:
        raise InputError(f"the data are {dtype}, which no data set stores: set generate.dtype to {', '.join(_STORED)}")
    dataset = DatasetSpec.model_validate(
        {
            "frames": config.generate.frames,
            "frame_shape": config.population.frame_px,
            "dtype": dtype,
            "voxel_um": config.data.voxel_um,
            "frames_per_shard": config.generate.frames_per_shard,
            "levels": config.generate.levels,
        }
    )
    return Manifest(
        config=config.model_dump(mode="json", exclude=NOT_BYTES),
        bundle=source.digest,
        versions={"raysynth": BYTES_SINCE} | {package: version(package) for package in _PACKAGES},
        device=source.device,
        seed=config.generate.seed,
        dataset=dataset,
    )


def run_settings(config: Config, cells: str | None) -> dict[str, Any]:
    """Give what `verify --repair` needs to resume a run, on any machine that sees the same folders.

    Parameters
    ----------
    config
        All settings, as the user gave them.
    cells
        The bank; None: the cells are a bundle's.

    Returns
    -------
    dict
        `config` and `cells`, JSON values.
    """
    bundle = bundle_name(config)
    # The name of a bundle that comes with the package stays a name: that lies elsewhere on another machine.
    if Path(bundle).is_dir():
        bundle = str(Path(bundle).absolute())
    bank = None if cells is None else absolute(cells)
    return {"config": config.model_dump(mode="json") | {"bundle": bundle}, "cells": bank}


def newest_settings(target: Objects) -> dict[str, Any]:
    """Read the settings of the newest run that has left any in its record.

    Parameters
    ----------
    target
        A data set.

    Returns
    -------
    dict
        As `run_settings` gives them.

    Raises
    ------
    InputError
        When there is no such run.
    """
    # Records lie right below `runs/`; attempts and failures have folders of their own.
    records = [key for key in target.keys(RUNS.rstrip("/")) if key.count("/") == 1 and key != LEASE_KEY]
    for key in sorted(records, reverse=True):
        record = json.loads(target.get(key))
        if "settings" in record:
            return dict(record["settings"])
    raise InputError(
        f"{target.uri} holds no record of the run that made it: run `raysynth generate CONFIG --out {target.uri}` with "
        "its settings to have the bad shards made again"
    )
