"""Public data sets by name: where their owners publish them, and how their archives are laid out.

Citations, licences and conditions of use: docs/data.md. Nothing here is redistributed. The archives' hashes stand in
`archives.txt`.
"""

from dataclasses import dataclass

_CTC = "https://data.celltrackingchallenge.net/training-datasets/"
_BBBC = "https://data.broadinstitute.org/bbbc/"


@dataclass(frozen=True)
class PublicDataset:
    """Where a data set is published and which of its files go where.

    Attributes
    ----------
    folder
        Name that the data set gets below the user's folder.
    base
        Address of the folder that holds the archives.
    archives
        Names of zip files there.
    layout
        Pairs of a pattern for a file's path in the archive and its path in `folder`. Other files are left out.
    """

    folder: str
    base: str
    archives: tuple[str, ...]
    layout: tuple[tuple[str, str], ...]


# The archives hold everything in a folder of the set's name, which would lie twice in the path.
def _challenge(name: str) -> PublicDataset:
    return PublicDataset(name, _CTC, (f"{name}.zip",), ((rf"{name}/(.+)", r"\1"),))


PUBLIC_DATASETS = {
    "hela": _challenge("Fluo-N2DL-HeLa"),
    "gowt1": _challenge("Fluo-N2DH-GOWT1"),
    "cho": _challenge("Fluo-N3DH-CHO"),
    "ce": _challenge("Fluo-N3DH-CE"),
    "bbbc039": PublicDataset(
        "BBBC039",
        _BBBC + "BBBC039/",
        ("images.zip", "masks.zip", "metadata.zip"),
        (
            (r"images/([^/]+\.tif)", r"images/\1"),
            (r"masks/([^/]+\.png)", r"masks/\1"),
            (r"metadata/(.+)", r"metadata/\1"),
        ),
    ),
    "bbbc050": PublicDataset(
        "BBBC050",
        _BBBC + "BBBC050/",
        ("Images.zip", "GroundTruth.zip"),
        (
            (r"Images/(train|test)/Images/([^/]+\.tif)", r"\1/images/\2"),
            (r"GroundTruth/(train|test)/GroundTruth_QCANet/([^/]+\.tif)", r"\1/masks/\2"),
        ),
    ),
}
"""Name on the command line → data set."""
