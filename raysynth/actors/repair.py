"""`raysynth verify --repair`: make exactly the shards again that are missing or damaged, with the settings they had."""

import json
from collections.abc import Collection
from typing import Any

from raysynth.actors.generate import Track, generate
from raysynth.actors.sources import Factory
from raysynth.actors.work import CascadeFactory
from raysynth.base.errors import InputError
from raysynth.base.lease import LEASE_KEY, Lease
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.store.dataset import RUNS, finalise, read_manifest


def repair(
    uri: str,
    bad: Collection[int],
    address: str | None = None,
    *,
    factory: Factory = CascadeFactory,
    track: Track = lambda reports, total, state: reports,
) -> dict[str, Any]:
    """Make the shards `bad` of the data set at `uri` again, and whatever was not finished; returns the run's summary.

    Without bad shards the Zarr documents are written again. Arguments as of `generate`. Raises InputError when no run
    has left its settings there, while another run writes, and when bundle or bank are not what the data set was made
    from; nothing is changed then.
    """
    target = Objects(uri)
    if not bad:  # only Zarr documents are missing or altered
        with Lease(target, "repair"):
            finalise(uri)
        return {"made": 0}
    manifest, settings = read_manifest(target), _settings(target)
    config = Config.model_validate(settings["config"])
    frames, cells = manifest.dataset.frames, settings["cells"]
    return generate(config, uri, frames, manifest.seed, address, cells=cells, again=bad, factory=factory, track=track)


def _settings(target: Objects) -> dict[str, Any]:
    """The settings that the newest run with any left in its record."""
    records = [key for key in target.keys(RUNS.rstrip("/")) if key.count("/") == 1 and key != LEASE_KEY]
    for key in sorted(records, reverse=True):
        record = json.loads(target.get(key))
        if "settings" in record:
            return dict(record["settings"])
    raise InputError(
        f"{target.uri} holds no record of the run that made it: run `raysynth generate CONFIG --out {target.uri}` with "
        "its settings to have the bad shards made again"
    )
