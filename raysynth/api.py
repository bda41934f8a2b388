"""The front door: a function for every command.

    import raysynth

    config = raysynth.load("nuclei-2d")
    raysynth.prepare(config)
    raysynth.fit(config)
    raysynth.generate(config, out="out/nuclei.zarr", frames=1000)
    dataset = raysynth.open("out/nuclei.zarr")

A configuration is a `Config`, the path of a YAML file, or the name of one that comes with the package. A data set is a
path, an address such as `s3://bucket/prefix`, or an opened `Dataset`. Every function returns a frozen report. Bad input
raises `InputError` with one sentence; it is found before torch, Ray or diffusers are imported, where that is possible.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, Union

from raysynth.base.errors import InputError
from raysynth.base.progress import Progress, no_progress
from raysynth.config import Config
from raysynth.config.kinds import KINDS, ModelName, needed_models
from raysynth.config.places import Places
from raysynth.config.reading import load
from raysynth.config.shipped import is_bundle

if TYPE_CHECKING:
    import ray.data
    from torch import Tensor

    from raysynth.actors.forecast import Forecast
    from raysynth.actors.repair import RepairReport
    from raysynth.actors.summary import RunSummary
    from raysynth.data.fetch import FetchReport
    from raysynth.experiment.result import TableResult
    from raysynth.export.preview import PreviewReport
    from raysynth.export.staging import ExportReport
    from raysynth.export.torch_dataset import TorchDataset
    from raysynth.measures.cell_metrics import MorphologyReport
    from raysynth.measures.fidelity_report import FidelityReport
    from raysynth.measures.seg import SegReport
    from raysynth.preparation.prepare_report import PrepareReport
    from raysynth.store.reader import Dataset
    from raysynth.store.verify import VerifyReport
    from raysynth.train.reports import TrainReport

ConfigLike: TypeAlias = Config | str | Path
"""A configuration, the path of its file, or the name of one that comes with the package."""

DatasetLike: TypeAlias = Union["Dataset", str, Path]
"""A data set, opened or by its address."""

TrainTarget: TypeAlias = ModelName | Literal["all"]
"""What `fit` trains: one model, or all that a configuration needs."""


def fetch(name: str, folder: str | Path, *, base: str | None = None, progress: Progress = no_progress) -> "FetchReport":
    """Download a public data set and lay it out as `prepare` reads it.

    Parameters
    ----------
    name
        hela, gowt1, cho, ce, bbbc039, bbbc050, or samples: small pieces of HeLa and CHO.
    folder
        Where the data set's own folder is made.
    base
        Address of another server that holds the same archives; None: that of the publisher.
    progress
        Called with the bytes that have arrived.

    Returns
    -------
    FetchReport
        The folders.

    Raises
    ------
    InputError
        For an unknown name, a server that does not answer, and a folder that cannot be written.
    """
    from raysynth.data.fetch import fetch_data

    return fetch_data(name, folder, base=base, progress=progress)


def prepare(config: ConfigLike, *, progress: Progress = no_progress) -> "PrepareReport":
    """Cut single cells out of the real frames and measure the population.

    Parameters
    ----------
    config
        The configuration.
    progress
        Called after each reading of a frame.

    Returns
    -------
    PrepareReport
        What was found; the crops and the statistics stand below the workspace.

    Raises
    ------
    InputError
        For unusable settings or data.
    """
    settings = _with_data(config)
    from raysynth.preparation.prepare import prepare_data

    folder = Places.of(settings).prepared
    return prepare_data(settings.data, settings.crops, settings.shapes, folder, progress)


def fit(
    config: ConfigLike, what: TrainTarget = "all", *, workers: int | None = None, address: str | None = None
) -> "TrainReport":
    """Train models on what `prepare` made (it is made first if it is missing), from their last checkpoints.

    Parameters
    ----------
    config
        The configuration.
    what
        One model, or all that the configuration needs.
    workers
        Processes of each model under Ray Train; None: this process, without Ray.
    address
        Ray cluster to work on; None: this machine.

    Returns
    -------
    TrainReport
        The metrics of each model, or why it failed. The models stand in the bundle below the workspace.

    Raises
    ------
    InputError
        For settings or data that cannot be trained on.
    """
    settings = _config(config)
    if workers is not None and workers < 1:
        raise InputError(f"{workers} workers cannot train: give at least 1, or None to train in this process.")
    _judge_trainings(settings, what)
    from raysynth.actors.train import train_models

    return train_models(settings, what, workers, address)


def generate(
    config: ConfigLike,
    out: str | Path | None = None,
    *,
    frames: int | None = None,
    seed: int | None = None,
    cells: str | Path | None = None,
    keep_cells: str | Path | None = None,
    address: str | None = None,
    progress: Progress = no_progress,
) -> "RunSummary":
    """Make a data set, resume one that was cut off, or extend one to more frames.

    Parameters
    ----------
    config
        The configuration.
    out
        Where the data set goes; None: `generate.out`.
    frames
        Frames in all; None: `generate.frames`.
    seed
        Random seed; None: `generate.seed`.
    cells
        A bank of kept cells to compose from, without any model; None: cells are made.
    keep_cells
        Where to keep the cells that are made as such a bank; None: they are not kept.
    address
        Ray cluster to work on; None: this machine.
    progress
        Called after each shard.

    Returns
    -------
    RunSummary
        What was made, how fast, and what failed and why.

    Raises
    ------
    InputError
        For a bad setting, bundle, bank, target or cluster, and while another run writes the data set.
    RunError
        When the run is ended from outside, for example by a full disk. The same call resumes it.
    """
    settings = _generating(config, out, frames, seed, cells)
    from raysynth.actors.generate import generate as run

    return run(settings, address=address, cells=cells, keep_cells=keep_cells, progress=progress)


def forecast(
    config: ConfigLike,
    *,
    frames: int | None = None,
    cells: str | Path | None = None,
    address: str | None = None,
) -> "Forecast":
    """Estimate what `generate` would make and how long it would take, from a probe of about a minute.

    Parameters
    ----------
    config
        The configuration.
    frames
        Frames in all; None: `generate.frames`.
    cells
        A bank of kept cells to compose from; None: cells are made.
    address
        Ray cluster to work on; None: this machine.

    Returns
    -------
    Forecast
        Cells, reuse, bytes, files and hours. Nothing is written.

    Raises
    ------
    InputError
        As `generate`.
    """
    settings = _generating(config, None, frames, None, cells)
    from raysynth.actors.forecast import forecast as probe

    return probe(settings, address=address, cells=cells)


def open(dataset: DatasetLike) -> "Dataset":
    """Open a data set for reading.

    Parameters
    ----------
    dataset
        Its address.

    Returns
    -------
    Dataset
        Frames, labels and the cell table.

    Raises
    ------
    InputError
        When there is no data set.
    """
    from raysynth.store.reader import Dataset

    return dataset if isinstance(dataset, Dataset) else Dataset(dataset)


def read_ray(dataset: DatasetLike) -> "ray.data.Dataset":
    """Open the frames of a data set as rows of a Ray Data dataset.

    Parameters
    ----------
    dataset
        The data set. Every node must see its folder.

    Returns
    -------
    ray.data.Dataset
        Rows of `frame`, `image` and `labels`.

    Raises
    ------
    InputError
        When there is no data set.
    """
    opened = open(dataset)
    from raysynth.actors.datasource import read_ray as rows

    return rows(opened.uri)


def read_torch(
    dataset: DatasetLike, transform: "Callable[[Tensor, Tensor], object] | None" = None, level: int = 0
) -> "TorchDataset":
    """Open the frames of a data set as a `torch.utils.data.Dataset`.

    Parameters
    ----------
    dataset
        The data set.
    transform
        Called with image and labels of an item; what it returns is the item. None: the pair.
    level
        Level of the pyramid; 0: full frames.

    Returns
    -------
    TorchDataset
        Pairs of image and labels.

    Raises
    ------
    InputError
        When there is no such data set or level.
    """
    opened = open(dataset)
    from raysynth.export.torch_dataset import read_torch as frames

    return frames(opened, transform, level)


def verify(dataset: DatasetLike, *, progress: Progress = no_progress) -> "VerifyReport":
    """Check that every shard is there and intact, and that labels and cell table agree.

    Parameters
    ----------
    dataset
        The data set.
    progress
        Called after each shard.

    Returns
    -------
    VerifyReport
        `ok`, and what is wrong with which shard.

    Raises
    ------
    InputError
        When there is no data set.
    """
    from raysynth.store.verify import verify_dataset

    return verify_dataset(open(_address(dataset)), progress=progress)


def repair(dataset: DatasetLike, *, address: str | None = None, progress: Progress = no_progress) -> "RepairReport":
    """Check a data set, make the bad shards again with the settings they had, and check those.

    Parameters
    ----------
    dataset
        The data set.
    address
        Ray cluster to work on; None: this machine.
    progress
        Called after each shard that is checked or made.

    Returns
    -------
    RepairReport
        How many shards were made, and the state afterwards.

    Raises
    ------
    InputError
        When there is no data set or no record of the run that made it, while another run writes it, and when bundle or
        bank are not what it was made from.
    """
    from raysynth.actors.repair import repair as remake

    return remake(_address(dataset), address=address, progress=progress)


def preview(dataset: DatasetLike, png: str | Path, *, frames: int = 3) -> "PreviewReport":
    """Draw frames with the outlines of their cells; volumes as projections and sections.

    Parameters
    ----------
    dataset
        The data set.
    png
        The picture to write.
    frames
        How many frames are shown, spread over the data set.

    Returns
    -------
    PreviewReport
        The picture and its frames.

    Raises
    ------
    InputError
        When no frame is finished, or the picture cannot be written.
    """
    if frames < 1:
        raise InputError(f"{frames} frames cannot be shown: ask for at least 1.")
    from raysynth.export.preview import write_preview

    return write_preview(open(dataset), png, frames)


def export_ctc(dataset: DatasetLike, folder: str | Path) -> "ExportReport":
    """Write a data set in the layout of the Cell Tracking Challenge.

    Parameters
    ----------
    dataset
        The data set.
    folder
        Folder to make.

    Returns
    -------
    ExportReport
        The folder and what it holds.

    Raises
    ------
    InputError
        When the folder is in use, and when labels do not fit into 16 bit.
    """
    from raysynth.export.ctc import write_ctc

    return write_ctc(open(dataset), folder)


def export_cellpose(dataset: DatasetLike, folder: str | Path) -> "ExportReport":
    """Write a data set as the pairs of image and mask files that Cellpose trains on.

    Parameters
    ----------
    dataset
        The data set.
    folder
        Folder to make.

    Returns
    -------
    ExportReport
        The folder and what it holds.

    Raises
    ------
    InputError
        When the folder is in use, and when no plane has enough cells.
    """
    from raysynth.export.cellpose import write_cellpose

    return write_cellpose(open(dataset), folder)


def evaluate_seg(
    predicted: DatasetLike, reference: DatasetLike, *, common: bool = False, progress: Progress = no_progress
) -> "SegReport":
    """Score labels with SEG of the Cell Tracking Challenge, and with average precision.

    Parameters
    ----------
    predicted
        A data set, or a folder of label images.
    reference
        The true labels, likewise.
    common
        Leave out reference frames without a prediction; else they score 0.
    progress
        Called after each label image.

    Returns
    -------
    SegReport
        Both scores.

    Raises
    ------
    InputError
        For folders without labels, and labels that do not fit each other.
    """
    from raysynth.measures.seg import compare_labels

    return compare_labels(_address(predicted), _address(reference), common, progress=progress)


def evaluate_fidelity(
    a: DatasetLike,
    b: DatasetLike,
    *,
    weights: str | Path | None = None,
    tiles: int = 500,
    whole: bool = False,
    cellpose: str | Path | None = None,
    progress: Progress = no_progress,
) -> "FidelityReport":
    """Measure FID, KID, precision and recall of B against one half of A, beside the other half of A against it.

    Parameters
    ----------
    a
        The real set: a data set, a folder with images and masks, or a CTC sequence (or the folder of sequences).
    b
        What is compared with it, likewise.
    weights
        File of Inception weights; None: the canonical ones, downloaded once.
    tiles
        Random tiles of each half of A, and of B; at least 40.
    whole
        Compare whole frames and not tiles; 500 of each are needed.
    cellpose
        File of a Cellpose network: also a distance in its features.
    progress
        Called after each set that the network has seen.

    Returns
    -------
    FidelityReport
        All distances.

    Raises
    ------
    InputError
        For sets that cannot be compared, and for bad weights.
    """
    if tiles < 40:
        raise InputError(f"{tiles} tiles are too few to compare: ask for at least 40.")
    from raysynth.measures.similarity import compare_images

    files = [None if file is None else Path(file) for file in (weights, cellpose)]
    return compare_images(_address(a), _address(b), files[0], tiles, whole, files[1], progress=progress)


def evaluate_morphology(
    a: DatasetLike,
    b: DatasetLike,
    *,
    voxel_um: Sequence[float] | None = None,
    plots: str | Path | None = None,
    progress: Progress = no_progress,
) -> "MorphologyReport":
    """Compare shape, brightness, texture, edges and neighbours of cells: B with A, beside half of A with half.

    Parameters
    ----------
    a
        The real set, as for `evaluate_fidelity`.
    b
        What is compared with it.
    voxel_um
        Voxel size (z,) y, x in µm of sets that do not store one; None: lengths are in pixels.
    plots
        Folder for a picture of the distributions; None: no picture.
    progress
        Called after each frame.

    Returns
    -------
    MorphologyReport
        Distances of every metric.

    Raises
    ------
    InputError
        For sets that cannot be compared.
    """
    from raysynth.measures.cell_metrics import compare_cells

    voxel = None if voxel_um is None else tuple(voxel_um)
    folder = None if plots is None else Path(plots)
    return compare_cells(_address(a), _address(b), voxel, folder, progress=progress)


def evaluate_table(
    config: ConfigLike,
    synthetic: Mapping[str, DatasetLike] | DatasetLike | None = None,
    *,
    out: str | Path | None = None,
    curve: bool = False,
    synthetic_curve: Sequence[int] = (),
    validation: bool = False,
    metrics: Mapping[str, Sequence[str | Path]] | None = None,
    address: str | None = None,
    progress: Progress = no_progress,
) -> "TableResult":
    """Train Cellpose on no, real, synthetic and both kinds of frames, and score each with SEG; resumes a rerun.

    Parameters
    ----------
    config
        The configuration.
    synthetic
        A synthetic set, or several by name, the main one first; None: `generate.out`.
    out
        Folder that keeps every training; None: `table` in the workspace.
    curve
        Also real and both kinds with 1, 2 and 5 real frames.
    synthetic_curve
        Also synthetic and both kinds with these numbers of frames of the main set.
    validation
        Score on the validation split; the test split stays unread.
    metrics
        Files that `evaluate fidelity` or `morphology` wrote with `--json`, by the set's name, for the report.
    address
        Ray cluster to work on; None: this machine.
    progress
        Called after each training and scoring.

    Returns
    -------
    TableResult
        SEG of every row, and the report's page.

    Raises
    ------
    InputError
        For bad settings or data, and for a folder that holds another table or that another run is writing.
    """
    settings = _with_data(config)
    if settings.evaluate.generalist is not None:
        _with_data(settings.evaluate.generalist)
    if not isinstance(synthetic, Mapping):
        synthetic = {} if synthetic is None else {"synthetic": synthetic}
    sets = {name: _address(dataset) for name, dataset in synthetic.items()}
    from raysynth.experiment.set_metrics import read_metrics

    files = {name: [Path(file) for file in given] for name, given in (metrics or {}).items()}
    found = read_metrics(files, list(sets) or ["synthetic"])
    from raysynth.actors.cluster import cluster
    from raysynth.experiment.run import make_table

    folder = None if out is None else Path(out)
    split: Literal["test", "validation"] = "validation" if validation else "test"
    with cluster(address):
        return make_table(settings, sets, folder, curve, synthetic_curve, split, found, progress=progress)


def _config(config: ConfigLike) -> Config:
    return config if isinstance(config, Config) else load(config)


def _with_data(config: ConfigLike) -> Config:
    """Read the configuration; refuse one without real data."""
    settings = _config(config)
    if not settings.data.root:
        raise InputError(f"{settings.name} has no real data: add the group `data` to its configuration.")
    return settings


def _judge_trainings(settings: Config, what: TrainTarget) -> None:
    """Refuse what cannot be trained before torch is imported: a wrong name, no data, a start that is no bundle."""
    if what != "all" and what not in KINDS:
        raise InputError(f"{what} is no model: choose one of {', '.join(KINDS)}, or all")
    if not Path(Places.of(settings).prepared).exists():
        _with_data(settings)
    from raysynth.cascade.bundle_info import read_info

    wanted = [KINDS[name] for name in needed_models(settings)] if what == "all" else [KINDS[what]]
    for kind in wanted:
        start = kind.settings(settings).start
        if start != "scratch" and (is_bundle(start) or not kind.other_starts):
            read_info(start)


def _generating(
    config: ConfigLike, out: str | Path | None, frames: int | None, seed: int | None, cells: str | Path | None
) -> Config:
    """Read the configuration with what the call changes, and judge its bundle before torch and Ray are imported."""
    given = {"out": _text(out), "frames": frames, "seed": seed}
    settings = _config(config).with_(generate={name: value for name, value in given.items() if value is not None})
    if cells is None:
        from raysynth.cascade.bundle_info import read_info, resolve

        resolve(settings, read_info(settings.bundle or Places.of(settings).bundle))
    return settings


def _address(dataset: DatasetLike) -> str:
    """Give the address of a data set, opened or not."""
    return str(dataset) if isinstance(dataset, str | Path) else dataset.uri


def _text(address: str | Path | None) -> str | None:
    return None if address is None else str(address)
