"""SEG here against py-ctcmetrics, on the same label files.

    python bench/seg.py [--data data/Fluo-N2DH-GOWT1] [--rounds 3]

Silver labels count as prediction, gold ones as reference, over the frames that have both. Both sides read the files
themselves and use one process. Writes `bench/results/seg.json`.
"""

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path

from ctc_metrics.metrics import seg as ctc_seg
from ctc_metrics.utils.representations import match
from environment import save_result

from raysynth.evaluate.seg import compare

TARGET = 10.0


def theirs(silver: Path, gold: Path) -> float:
    """SEG by py-ctcmetrics."""
    files = [file.name for file in sorted(gold.iterdir()) if re.fullmatch(r"man_seg\d+\.tif", file.name)]
    common = [name for name in files if (silver / name).exists()]
    matches = [match(str(gold / name), str(silver / name)) for name in common]
    return ctc_seg([m[0] for m in matches], [m[4] for m in matches])


def ours(silver: Path, gold: Path) -> float:
    """SEG by raysynth, average precision included."""
    return compare(str(silver), str(gold), common=True).seg


def fastest(function: Callable[[Path, Path], float], silver: Path, gold: Path, rounds: int) -> tuple[float, float]:
    """The value, and the seconds of the fastest of `rounds` calls: what other processes take is the least in it."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        value = function(silver, gold)
        seconds.append(time.perf_counter() - start)
    return value, min(seconds)


def main() -> None:
    """Measure both sequences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/Fluo-N2DH-GOWT1"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for sequence in ("01", "02"):
        folders = options.data / f"{sequence}_ST" / "SEG", options.data / f"{sequence}_GT" / "SEG"
        (value, seconds), (expected, reference_s) = (fastest(f, *folders, options.rounds) for f in (ours, theirs))
        figures[sequence] = {
            "seg": value,
            "seg_py_ctcmetrics": expected,
            "seconds": seconds,
            "seconds_py_ctcmetrics": reference_s,
            "ratio": reference_s / seconds,
            "target": TARGET,
        }
        print(sequence, figures[sequence])
    save_result("seg", figures)


if __name__ == "__main__":
    main()
