"""Finds configurations and bundles by path or, among those that come with the package, by name."""

from pathlib import Path

from raysynth.base.errors import InputError

_PACKAGE = Path(__file__).parents[1]

SHIPPED_BUNDLES = _PACKAGE / "bundles"
"""Folder of the bundles that come with the package."""

SHIPPED_CONFIGS = next(
    (folder for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if folder.is_dir()), _PACKAGE / "configs"
)
"""Folder of the configurations that come with the package; in a checkout they stand beside it."""


def shipped_names() -> list[str]:
    """Name the configurations that come with the package.

    Returns
    -------
    list of str
        Sorted, without `.yaml`.
    """
    return sorted(path.stem for path in SHIPPED_CONFIGS.glob("*.yaml"))


def shipped_config(name: str) -> Path | None:
    """Find a configuration that comes with the package.

    Parameters
    ----------
    name
        Such as `demo-2d` or `demo-2d.yaml`.

    Returns
    -------
    Path or None
        The file; None when there is none of that name.
    """
    # Compared with the list and not joined to the folder, so that `../other` does not lead out of it.
    stem = name.removesuffix(".yaml")
    return SHIPPED_CONFIGS / f"{stem}.yaml" if stem in shipped_names() else None


def find_config(name: str | Path) -> Path:
    """Find a configuration file.

    Parameters
    ----------
    name
        A path, or the name of a configuration that comes with the package. A path wins.

    Returns
    -------
    Path
        A file, or a path at which something is that is no file.

    Raises
    ------
    InputError
        When there is nothing; the sentence lists the names that come with the package.
    """
    path = Path(name)
    if path.is_file():
        return path
    found = shipped_config(str(name).removeprefix("configs/"))  # as one writes it in a checkout
    if found is None and not path.exists():
        raise InputError(
            f"{name}: there is no such configuration file; give its path, or one of {', '.join(shipped_names())}."
        )
    return found or path


def is_bundle(name: str | Path) -> bool:
    """Tell whether a bundle is there.

    Parameters
    ----------
    name
        A folder, or the name of a bundle that comes with the package.

    Returns
    -------
    bool
        True when it has a `bundle.json`.
    """
    return any((folder / "bundle.json").is_file() for folder in _bundle_folders(name))


def find_bundle(name: str | Path) -> Path:
    """Find the folder of a bundle.

    Parameters
    ----------
    name
        A folder, or the name of a bundle that comes with the package. A folder wins.

    Returns
    -------
    Path
        A folder that has a `bundle.json`.

    Raises
    ------
    InputError
        When there is none.
    """
    for folder in _bundle_folders(name):
        if (folder / "bundle.json").is_file():
            return folder
    known = sorted(path.parent.name for path in SHIPPED_BUNDLES.glob("*/bundle.json"))
    raise InputError(f"bundle {name} was not found: give a folder with a bundle.json, or one of {', '.join(known)}")


def _bundle_folders(name: str | Path) -> tuple[Path, Path]:
    return Path(name), SHIPPED_BUNDLES / name
