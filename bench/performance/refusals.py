"""Time how soon a mistake is refused and the help is shown, with byte code compiled.

    python -m bench refusals [--repeats 5]

A misspelt setting, a misspelt bundle and a configuration that is not there, as a user would type them, and `--help`.
One call of each warms the disk and compiles, and does not count. Seconds are wall time from the start of the process
to its end, median and all of them, and the median of its CPU time, which other jobs lengthen less. Each call must end
with the exit code that it should have. Writes `bench/results/refusals.json`.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.common.environment import save_result
from bench.common.paths import CONFIGS, ROOT
from bench.common.suite import described

_CONFIG = str((CONFIGS / "demo-2d.yaml").relative_to(ROOT))
_CALLS: dict[str, tuple[list[str], int]] = {
    "misspelt setting": (["generate", _CONFIG, "--set", "generate.fraems=3"], 2),
    "missing bundle": (["generate", _CONFIG, "--set", "bundle=nuclei-3d"], 2),
    "missing configuration": (["generate", "configs/demo-4d.yaml"], 2),
    "misspelt setting of a training": (["train", "masks", _CONFIG, "--set", "masks.chanels=[8]"], 2),
    "help": (["--help"], 0),
    "help of generate": (["generate", "--help"], 0),
}
"""Arguments and exit code of each call."""
_TARGETS_S = {"help": 0.6, "help of generate": 0.6}
_TARGET_S = 2.0


def _cpu_seconds() -> float:
    """Sum the CPU time of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _call(arguments: list[str], expected: int) -> tuple[float, float, str]:
    """Run raysynth; return wall seconds, CPU seconds and the beginning of what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [str(Path(sys.executable).with_name("raysynth")), *arguments]
    started, before = time.perf_counter(), _cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
    if done.returncode != expected:
        raise RuntimeError(f"{' '.join(arguments)} ended with code {done.returncode}, not {expected}:\n{done.stderr}")
    return seconds, cpu, " ".join((done.stderr if expected else done.stdout).split())[:200]


def main() -> None:
    """Time every call."""
    parser = described(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    results: dict[str, Any] = {}
    for name, (arguments, expected) in _CALLS.items():
        *_, said = _call(arguments, expected)
        calls = [_call(arguments, expected)[:2] for _ in range(repeats)]
        seconds, cpu = zip(*calls, strict=True)
        results[name] = {
            "median_s": median(seconds),
            "target_s": _TARGETS_S.get(name, _TARGET_S),
            "cpu_s": median(cpu),
            "seconds": sorted(seconds),
            "said": said,
        }
        print(f"{median(seconds):6.2f} s, CPU {median(cpu):5.2f} s  {name}: {said}", flush=True)
    save_result("refusals", results)
