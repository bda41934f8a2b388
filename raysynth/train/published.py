"""A finished training's result: its files in the storage, from where the driver takes them into the bundle.

The worker that trained and the process that writes the bundle may be on different machines.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from raysynth.base.objects import Objects, in_parallel

_DONE = "result.json"
_FILES = "result"


def publish_result(objects: Objects, write: Callable[[Path], None], metrics: dict[str, float]) -> None:
    """Put a trained model into the storage of its training, the metrics last: they mark a whole result.

    Parameters
    ----------
    objects
        Storage of the training.
    write
        Writes the model's files into a folder.
    metrics
        Metrics at the end of the training.
    """
    # The mark of an earlier result would make files of two trainings pass for one.
    _withdraw(objects)
    with tempfile.TemporaryDirectory(prefix="raysynth-") as folder:
        write(Path(folder))
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        objects.put_all({f"{_FILES}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files})
    objects.put(_DONE, json.dumps(metrics).encode())


def _withdraw(objects: Objects) -> None:
    """Remove the result, its mark first."""
    objects.delete(_DONE)
    in_parallel(objects.delete, objects.keys(_FILES))


def published_metrics(objects: Objects) -> dict[str, float] | None:
    """Read the metrics of a result.

    Parameters
    ----------
    objects
        Storage of the training.

    Returns
    -------
    dict or None
        Its metrics; None where there is no result.
    """
    try:
        metrics: dict[str, float] = json.loads(objects.get(_DONE))
    except FileNotFoundError:
        return None
    return metrics


def take_result(objects: Objects, folder: Path) -> None:
    """Copy the files of a result.

    Parameters
    ----------
    objects
        Storage of the training.
    folder
        Where they are put.
    """
    for key in objects.keys(_FILES):
        path = folder / Path(key).relative_to(_FILES)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(objects.get(key))
