"""Folders of fetched data sets: complete when they appear, with the hash of every file."""

import json
from pathlib import Path

from pooch import file_hash

from raysynth.base.errors import InputError

_RECORD = "fetched.json"


def is_fetched(target: Path) -> bool:
    """Say whether a folder holds a data set whose files still have their recorded hashes.

    Parameters
    ----------
    target
        Folder of the data set.

    Returns
    -------
    bool
        False where there is no such folder.

    Raises
    ------
    InputError
        When something else is there, or a file was changed or lost.
    """
    if not target.exists():
        return False
    if not (target / _RECORD).is_file():
        raise InputError(f"{target}: exists already and was not fetched; move it away or give another folder.")
    files: dict[str, str] = json.loads((target / _RECORD).read_text())["files"]
    # Files beyond the recorded ones are let be: what a user adds beside the data does no harm.
    for name, digest in files.items():
        if not (target / name).is_file() or file_hash(target / name) != digest:
            raise InputError(f"{target / name}: is not what was fetched; remove {target} and fetch it again.")
    return True


def record_hashes(folder: Path, archives: dict[str, str]) -> None:
    """Write the SHA-256 hashes of a data set into its folder.

    Parameters
    ----------
    folder
        The folder, before it gets its final name.
    archives
        Address of each archive → its hash.

    Raises
    ------
    InputError
        When the folder holds no file.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InputError(f"{', '.join(archives)}: holds none of the expected files; its owners may have changed it.")
    # Paths with forward slashes, so that a folder copied to another system still checks.
    record = {"archives": archives, "files": {path.relative_to(folder).as_posix(): file_hash(path) for path in files}}
    (folder / _RECORD).write_text(json.dumps(record, indent=1))


def make_folder(folder: Path) -> None:
    """Create a folder if need be.

    Parameters
    ----------
    folder
        The folder.

    Raises
    ------
    InputError
        When that is impossible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be created ({error.strerror}); give a folder that can be written."
        ) from None
