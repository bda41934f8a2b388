"""Training checkpoints: whole or absent, the newest few kept."""

import os
from pathlib import Path
from typing import Any

import torch


class Checkpoints:
    """The checkpoints of one run, `step-<n>.pt` in `folder`; the newest `keep` stay."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write one checkpoint atomically, then drop what is too old."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f".step-{step:08d}.{os.getpid()}"
        torch.save(state, unfinished)
        unfinished.replace(self.folder / f"step-{step:08d}.pt")
        for old in self._paths()[: -self.keep]:
            old.unlink()

    def latest(self) -> tuple[int, dict[str, Any]] | None:
        """Step and state of the newest checkpoint, or None before the first."""
        paths = self._paths()
        if not paths:
            return None
        state = torch.load(paths[-1], map_location="cpu", weights_only=True)
        return int(paths[-1].stem.removeprefix("step-")), state

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.pt"))
