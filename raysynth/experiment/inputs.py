"""What a table is made from: settings, frames and synthetic sets, judged before any work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from raysynth.base.addresses import absolute
from raysynth.base.canonical import canonical_json
from raysynth.base.errors import InputError
from raysynth.config import Config, DataConfig, EvaluateConfig
from raysynth.config.places import Places
from raysynth.data.frames import Frame
from raysynth.data.splits import split_frames
from raysynth.experiment.jobs import REAL
from raysynth.experiment.networks import read_weights
from raysynth.experiment.rows import TableRow, table_rows
from raysynth.experiment.scoring import Split, scored_frames
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.label_sets import is_dataset
from raysynth.store.reader import Dataset


@dataclass(frozen=True)
class SyntheticSet:
    """A synthetic data set that trains.

    Attributes
    ----------
    address
        Absolute folder, or URI.
    digest
        SHA-256 of its manifest.
    frames
        Number of its frames.
    """

    address: str
    digest: str
    frames: int


@dataclass(frozen=True)
class TableInputs:
    """What a table is made from.

    Attributes
    ----------
    name
        Name of the configuration.
    workspace
        Its own folder in the workspace.
    folder
        Folder of the table.
    data
        The real data, with an absolute folder.
    settings
        How networks are trained and scored.
    rows
        The rows that are wanted.
    train
        Real training frames.
    scored
        Frames that score the networks.
    split
        Their split.
    synthetic
        The sets that some row trains on, by name, the main one first.
    start
        File of the weights that every arm starts from; None: from scratch, or a generalist trained first.
    device
        Torch's name of the device.
    """

    name: str
    workspace: Path
    folder: Path
    data: DataConfig
    settings: EvaluateConfig
    rows: tuple[TableRow, ...]
    train: tuple[Frame, ...]
    scored: tuple[Frame, ...]
    split: Split
    synthetic: dict[str, SyntheticSet]
    start: Path | None
    device: str

    @property
    def frames(self) -> dict[str, int]:
        """Number of frames of each set, by name."""
        return {REAL: len(self.train)} | {name: each.frames for name, each in self.synthetic.items()}


def read_inputs(
    config: Config,
    synthetic: Mapping[str, str],
    folder: Path | None,
    curve: bool,
    synthetic_curve: Sequence[int],
    split: Split,
    device: str,
) -> TableInputs:
    """List what a table is made from, and judge it.

    Parameters
    ----------
    config
        All settings.
    synthetic
        Addresses of synthetic sets by name, the main one first; empty: `generate.out`.
    folder
        Folder of the table; None: `table` in the workspace.
    curve
        Also train on few real frames.
    synthetic_curve
        Also train on these numbers of frames of the main set.
    split
        The split that scores the networks.
    device
        Torch's name of the device.

    Returns
    -------
    TableInputs
        Frames are not read yet.

    Raises
    ------
    InputError
        For a split without frames, for what is no synthetic set or has other dimensions, for too large numbers in
        `synthetic_curve`, and for weights that do not fit the network.
    """
    places, settings, data = Places.of(config), config.evaluate, with_absolute_root(config.data)
    splits = split_frames(data)
    scored = scored_frames(data, settings.reference, split)
    given = {name: absolute(uri) for name, uri in (synthetic or {"synthetic": places.out}).items()}
    rows = table_rows(settings, list(given), curve, len(splits.train), synthetic_curve)
    sets = {row.synthetic: given[row.synthetic] for row in rows if row.synthetic}
    found = {name: _synthetic_set(uri, data.dimensions) for name, uri in sets.items()}
    if synthetic_curve:
        _need_more_than(max(synthetic_curve), found[next(iter(given))].frames, settings)
    start = None if settings.weights is None else Path(settings.weights).absolute()
    if start is not None:
        # Opened for its checks alone: a wrong file shows now, and not hours later in a worker.
        read_weights(start, settings)
    workspace = Path(places.workspace)
    folder = (folder or workspace / "table").absolute()
    return TableInputs(
        config.name, workspace, folder, data, settings, tuple(rows), splits.train, scored, split, found, start, device
    )


def with_absolute_root(data: DataConfig) -> DataConfig:
    """Name the real data by their absolute folder: workers have current folders of their own.

    Parameters
    ----------
    data
        The real data.

    Returns
    -------
    DataConfig
        The same with an absolute `root`.
    """
    return data.with_(root=str(Path(data.root).absolute()))


def _synthetic_set(address: str, dimensions: int) -> SyntheticSet:
    """Open a synthetic set; InputError when it is none or does not fit the data."""
    if not is_dataset(address):
        raise InputError(f"--synthetic {address} is no raysynth data set: generate one first, or give its address")
    frames = frame_set(address).frames
    if (axes := frames[0]().image.ndim) != dimensions:
        raise InputError(f"--synthetic {address} has {axes} axes, but data.dimensions is {dimensions}")
    manifest = Dataset(address).manifest.model_dump(mode="json")
    # The manifest stands for the set, which may be far too large to be hashed itself.
    return SyntheticSet(address, sha256(canonical_json(manifest)).hexdigest(), len(frames))


def _need_more_than(count: int, frames: int, settings: EvaluateConfig) -> None:
    """Raise InputError when `count` frames of the main set are all that train anyway."""
    most = min(frames, settings.synthetic_frames or frames)
    if count >= most:
        raise InputError(f"--synthetic-curve {count}: the set's main rows train on {most} frames: give fewer")
