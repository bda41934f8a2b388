"""What a result was measured on, kept beside it."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.common.paths import RESULTS, ROOT

PACKAGES = ("numpy", "scipy", "torch", "diffusers", "ray", "zarr")
"""Those whose versions are recorded."""


def environment() -> dict[str, Any]:
    """Describe the machine, the versions, the commit and the load.

    Returns
    -------
    dict[str, Any]
        JSON values only. `load_1m` is the mean number of processes that ran or waited for a core in the last minute:
        where it is above `cores`, times are those of a shared machine.
    """
    import torch  # what only reads results need not wait for it

    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": " ".join([sys.argv[0], *map(_without_folder, sys.argv[1:])]),
        "commit": _commit(),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_1m": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def save_result(name: str, results: object) -> Path:
    """Write a result with its environment into `bench/results/`.

    Parameters
    ----------
    name
        Name of the file, without `.json`.
    results
        What was measured, JSON values only.

    Returns
    -------
    Path
        The file.
    """
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps({"environment": environment(), "figures": results}, indent=2) + "\n", encoding="utf-8")
    print(f"written: {file}")
    return file


def read_result(name: str) -> dict[str, Any]:
    """Read the measured values of a result.

    Parameters
    ----------
    name
        Name of the file in `bench/results/`, without `.json`.

    Returns
    -------
    dict[str, Any]
        The values that `save_result` was given.
    """
    results: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]
    return results


def _without_folder(argument: str) -> str:
    """Keep the last part of each absolute path: folders of one machine mean nothing on another."""
    return "=".join(Path(part).name if part.startswith("/") else part for part in argument.split("="))


def _commit() -> str:
    """Name the checked-out commit, with a mark where files of the package differ from it."""
    run = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    """Read the processor's name as Linux gives it, else the architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
