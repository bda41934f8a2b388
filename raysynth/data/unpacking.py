"""Zip archives of public data sets, unpacked to the layout that the readers expect."""

import re
import shutil
import zipfile
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from skimage.measure import label

from raysynth.base.errors import InputError, first_line


def unpack(archive: Path, folder: Path, layout: tuple[tuple[str, str], ...]) -> None:
    """Write the files of a zip that `layout` names.

    Parameters
    ----------
    archive
        A zip file. A damaged one is removed, so that it is downloaded again.
    folder
        Where the files go.
    layout
        Pairs of a pattern for a file's path in the archive and its path in `folder`.

    Raises
    ------
    InputError
        When the zip is damaged, or holds a path that leads out of `folder`.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            for member in zipped.infolist():
                if member.is_dir() or (path := _target(member.filename, layout)) is None:
                    continue
                # Patterns keep parts of the names in the archive, where `..` may stand.
                if not (folder / path).resolve().is_relative_to(folder.resolve()):
                    raise InputError(f"{archive}: holds a path that leads outside ({member.filename}); do not use it.")
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as packed, (folder / path).open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        archive.unlink()
        raise InputError(
            f"{archive}: is a damaged zip file ({first_line(error)}) and was removed; fetch it again."
        ) from None


def _target(name: str, layout: tuple[tuple[str, str], ...]) -> str | None:
    """Give the path in the data set's folder of a file at path `name` of an archive; None if it is not wanted."""
    if name.startswith("__MACOSX/"):
        return None
    matches = ((re.fullmatch(pattern, name), path) for pattern, path in layout)
    return next((match.expand(path) for match, path in matches if match), None)


def label_png(path: Path) -> None:
    """Replace a mask of BBBC039 by a label image.

    Its PNG colours touching nuclei differently: connected pixels of one value in the first channel are one nucleus.

    Parameters
    ----------
    path
        The PNG. A TIFF of its name takes its place.
    """
    pixels = np.asarray(Image.open(path))
    # skimage's `label` joins pixels of equal values; scipy's would join all that are not 0, and so nuclei that touch.
    labels = label(pixels[..., 0] if pixels.ndim == 3 else pixels)
    tifffile.imwrite(path.with_suffix(".tif"), labels.astype(np.uint16), compression="zlib")
    path.unlink()
