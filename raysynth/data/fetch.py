"""Public data sets by name, downloaded from where their owners publish them and laid out as the readers expect.

Citations, licences and conditions of use: docs/data.md. Nothing here is redistributed.
"""

import hashlib
import json
import re
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from skimage.measure import label

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_folder
from raysynth.data.download import Progress, download

RECORD = "fetched.json"
CTC = "https://data.celltrackingchallenge.net/training-datasets/"
BBBC = "https://data.broadinstitute.org/bbbc/"


@dataclass(frozen=True)
class Source:
    """Where a data set is published and which of its files go where.

    folder: name the data set gets below the user's folder.
    base: address of the folder that holds `archives` (zip files).
    layout: pairs of a pattern for a file's path in the archive and its path in `folder`; other files are left out.
    """

    folder: str
    base: str
    archives: tuple[str, ...]
    layout: tuple[tuple[str, str], ...]


def _ctc(name: str) -> Source:
    return Source(name, CTC, (f"{name}.zip",), ((rf"{name}/(.+)", r"\1"),))


SOURCES = {
    "hela": _ctc("Fluo-N2DL-HeLa"),
    "gowt1": _ctc("Fluo-N2DH-GOWT1"),
    "cho": _ctc("Fluo-N3DH-CHO"),
    "ce": _ctc("Fluo-N3DH-CE"),
    "bbbc039": Source(
        "BBBC039",
        BBBC + "BBBC039/",
        ("images.zip", "masks.zip", "metadata.zip"),
        (
            (r"images/([^/]+\.tif)", r"images/\1"),
            (r"masks/([^/]+\.png)", r"masks/\1"),
            (r"metadata/(.+)", r"metadata/\1"),
        ),
    ),
    "bbbc050": Source(
        "BBBC050",
        BBBC + "BBBC050/",
        ("Images.zip", "GroundTruth.zip"),
        (
            (r"Images/(train|test)/Images/([^/]+\.tif)", r"\1/images/\2"),
            (r"GroundTruth/(train|test)/GroundTruth_QCANet/([^/]+\.tif)", r"\1/masks/\2"),
        ),
    ),
}


def fetch(
    name: str, folder: Path, progress: Progress | None = None, base: str | None = None, pause_s: float = 2.0
) -> Path:
    """Download the data set `name` into a folder of its own below `folder` and return that.

    Safe to repeat: a broken download continues, a finished one is only checked against the hashes recorded in
    `fetched.json`. `base` replaces the address of the archives (a mirror); `pause_s`: wait before another try.
    Raises InputError.
    """
    if name not in SOURCES:
        raise InputError(f"{name}: is not a data set fetch knows; use one of {', '.join(SOURCES)} or samples.")
    source = SOURCES[name]
    target = folder / source.folder
    if is_fetched(target):
        return target
    make_folder(folder)
    base = (base or source.base).rstrip("/") + "/"
    archives = {base + archive: folder / f"{source.folder}-{archive}" for archive in source.archives}
    for url, path in archives.items():
        if not path.exists():
            download(url, path, progress, pause_s=pause_s)
    with whole_folder(target) as part:
        for path in archives.values():
            _unpack(path, part, source.layout)
        for mask in part.glob("masks/*.png"):
            _label_png(mask)
        record_hashes(part, {url: file_hash(path) for url, path in archives.items()})
    for path in archives.values():
        path.unlink()
    return target


def is_fetched(target: Path) -> bool:
    """Whether `target` holds a data set whose files still have their recorded hashes.

    Raises InputError when something else is there, or a file was changed or lost.
    """
    if not target.exists():
        return False
    if not (target / RECORD).is_file():
        raise InputError(f"{target}: exists already and was not fetched; move it away or give another folder.")
    files: dict[str, str] = json.loads((target / RECORD).read_text())["files"]
    for name, digest in files.items():
        if not (target / name).is_file() or file_hash(target / name) != digest:
            raise InputError(f"{target / name}: is not what was fetched; remove {target} and fetch it again.")
    return True


def record_hashes(folder: Path, archives: dict[str, str]) -> None:
    """Record the hashes of the archives (by address) and of every file in `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InputError(f"{', '.join(archives)}: holds none of the expected files; its owners may have changed it.")
    record = {"archives": archives, "files": {path.relative_to(folder).as_posix(): file_hash(path) for path in files}}
    (folder / RECORD).write_text(json.dumps(record, indent=1))


def make_folder(folder: Path) -> None:
    """Create `folder` if need be. Raises InputError when that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be created ({error.strerror}); give a folder that can be written."
        ) from None


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(archive: Path, folder: Path, layout: tuple[tuple[str, str], ...]) -> None:
    """Write the files of a zip that `layout` names to `folder`; a damaged zip is removed and refused."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            for member in zipped.infolist():
                place = _place(member.filename, layout)
                if place is None or member.is_dir():
                    continue
                path = folder / place
                if not path.resolve().is_relative_to(folder.resolve()):
                    raise InputError(f"{archive}: holds a path that leads outside ({member.filename}); do not use it.")
                path.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as packed, path.open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        archive.unlink()
        raise InputError(f"{archive}: is a damaged zip file ({error}) and was removed; fetch it again.") from None


def _place(name: str, layout: tuple[tuple[str, str], ...]) -> str | None:
    """Path in the data set's folder of a file at path `name` of an archive; None for files that are not wanted."""
    if name.startswith("__MACOSX/"):
        return None
    matches = ((re.fullmatch(pattern, name), place) for pattern, place in layout)
    return next((match.expand(place) for match, place in matches if match), None)


def _label_png(path: Path) -> None:
    """Replace a BBBC039 mask by a label image.

    Its PNG colours touching nuclei differently: connected pixels of one value in the first channel are one nucleus.
    """
    pixels = np.asarray(Image.open(path))
    labels = label(pixels[..., 0] if pixels.ndim == 3 else pixels)
    tifffile.imwrite(path.with_suffix(".tif"), labels.astype(np.uint16), compression="zlib")
    path.unlink()
