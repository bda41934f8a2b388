"""The record of every reading of the test split: who tests often enough finds a lucky network."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

READINGS = "test-reads.jsonl"
"""In the configuration's own folder of the workspace: every reading of its test split, whatever the table."""


@dataclass(frozen=True)
class Reading:
    """One reading of the test split.

    Attributes
    ----------
    time
        When, in ISO 8601, UTC.
    table
        Folder of the table.
    frames
        Number of frames that were read.
    networks
        Row and seed of each network that was scored.
    """

    time: str
    table: str
    frames: int
    networks: tuple[str, ...]


def log_reading(workspace: Path, folder: Path, frames: int, networks: Sequence[str]) -> None:
    """Note that the test split is about to be read.

    Parameters
    ----------
    workspace
        The configuration's own folder of the workspace.
    folder
        Folder of the table.
    frames
        Number of frames.
    networks
        Row and seed of each network that will be scored.
    """
    reading = Reading(datetime.now(UTC).isoformat(timespec="seconds"), str(folder), frames, tuple(networks))
    workspace.mkdir(parents=True, exist_ok=True)
    # Appended, one line each: tables that run side by side cannot overwrite each other's entries.
    with (workspace / READINGS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(reading)) + "\n")


def readings(workspace: Path) -> tuple[Reading, ...]:
    """List every reading of the test split so far.

    Parameters
    ----------
    workspace
        The configuration's own folder of the workspace.

    Returns
    -------
    tuple of Reading
        In the order of their times.
    """
    file = workspace / READINGS
    if not file.exists():
        return ()
    found = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return tuple(Reading(each["time"], each["table"], each["frames"], tuple(each["networks"])) for each in found)
