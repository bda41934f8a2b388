"""`raysynth verify --repair`: make exactly the shards again that are missing or damaged, with the settings they had."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from raysynth.actors.finding import Factory
from raysynth.actors.generate import generate
from raysynth.actors.provenance import newest_settings
from raysynth.actors.summary import RunSummary
from raysynth.actors.work import cascade_factory
from raysynth.base.lease import Lease
from raysynth.base.objects import Objects
from raysynth.base.progress import Progress, no_progress
from raysynth.base.reports import Report
from raysynth.config import Config
from raysynth.config.aliases import upgrade
from raysynth.config.changing import validated
from raysynth.store.dataset import finalise, read_manifest
from raysynth.store.reader import Dataset
from raysynth.store.verify import VerifyReport, verify_dataset


@dataclass(frozen=True)
class RepairReport(Report):
    """What repairing a data set has made again, and how it is now.

    Attributes
    ----------
    state
        What is wrong with it afterwards.
    repaired
        Shards that were made again; None: nothing was wrong.
    run
        The run that made them; None: no shard was bad.
    """

    state: VerifyReport
    repaired: int | None = None
    run: RunSummary | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong any more."""
        return self.state.ok

    def to_json(self) -> dict[str, Any]:
        """Give the state by name, and how many shards were made where anything was wrong."""
        return self.state.to_json() | ({} if self.repaired is None else {"repaired": self.repaired})


def repair(
    uri: str | Path,
    *,
    address: str | None = None,
    factory: Factory = cascade_factory,
    progress: Progress = no_progress,
) -> RepairReport:
    """Check a data set, make its bad shards again and whatever was not finished, and check those.

    Parameters
    ----------
    uri
        Folder or address of the data set.
    address, factory
        As `generate` takes them.
    progress
        Called after each shard that is checked or made.

    Returns
    -------
    RepairReport
        What was made, and the state afterwards.

    Raises
    ------
    InputError
        When no run has left its settings there, while another run writes, and when bundle or bank are not what the data
        set was made from; nothing is changed then.
    """
    found = verify_dataset(Dataset(uri), progress=progress)
    if found.ok:
        return RepairReport(found)
    run = _remake(Objects(uri), found.bad, address, factory, progress)
    # With altered documents no shard has been measured, so `found.cells` is 0 and all are checked now. Otherwise the
    # good ones are counted already.
    after = verify_dataset(Dataset(uri), only=None if found.altered else found.bad)
    state = replace(after, cells=after.cells + found.cells)
    return RepairReport(state, 0 if run is None else run.made, run)


def _remake(
    target: Objects, bad: Collection[int], address: str | None, factory: Factory, progress: Progress
) -> RunSummary | None:
    """Make bad shards again; without any, write the Zarr documents anew."""
    if not bad:
        with Lease(target, "repair"):
            finalise(target)
        return None
    manifest, settings = read_manifest(target), newest_settings(target)
    config = validated(Config, upgrade(settings["config"]), {}, f"{target.uri}: the record of its run")
    # Early records name a type that was never obeyed; images have that of the manifest.
    config = config.with_(generate={"dtype": manifest.dataset.dtype})
    return generate(
        config,
        target.uri,
        manifest.dataset.frames,
        manifest.seed,
        address,
        cells=settings["cells"],
        again=bad,
        factory=factory,
        progress=progress,
    )
