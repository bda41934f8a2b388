"""What a figure was measured on, kept beside the figure. Imported by the other files of this folder."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "scipy", "torch", "diffusers", "ray", "zarr")


def environment() -> dict[str, Any]:
    """Machine kind, cores, threads, versions, commit and how busy the machine is, JSON values only.

    load_1m: processes that ran or waited for a core over the last minute; above `cores`, times are those of a shared
    machine.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": " ".join(["python", *map(_without_folder, sys.argv)]),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_1m": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def save_result(name: str, figures: object) -> Path:
    """Write `figures` (JSON values) with the environment to `bench/results/<name>.json`; returns the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps({"environment": environment(), "figures": figures}, indent=2) + "\n")
    print(f"written: {file}")
    return file


def _without_folder(argument: str) -> str:
    """The argument with the last part of each absolute path in it: folders of one machine mean nothing on another."""
    return "=".join(Path(part).name if part.startswith("/") else part for part in argument.split("="))


def _commit() -> str:
    """The checked-out commit, with a mark where files of the package differ from it."""
    root = Path(__file__).parents[1]
    run = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()


def _cpu() -> str:
    """The processor's name as Linux gives it, else the architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
