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


def publish(objects: Objects, write: Callable[[Path], None], figures: dict[str, float]) -> None:
    """Put the files that `write` makes in a folder into `objects`, the figures last: they mark a whole result."""
    withdraw(objects)
    with tempfile.TemporaryDirectory(prefix="raysynth-") as folder:
        write(Path(folder))
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        objects.put_all({f"{_FILES}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files})
    objects.put(_DONE, json.dumps(figures).encode())


def withdraw(objects: Objects) -> None:
    """Remove the result, its mark first."""
    objects.delete(_DONE)
    in_parallel(objects.delete, objects.keys(_FILES))


def published(objects: Objects) -> dict[str, float] | None:
    """The figures of the result; None where there is none."""
    try:
        return json.loads(objects.get(_DONE))
    except FileNotFoundError:
        return None


def take(objects: Objects, folder: Path) -> None:
    """Copy the result's files into `folder`."""
    for key in objects.keys(_FILES):
        path = folder / Path(key).relative_to(_FILES)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(objects.get(key))
