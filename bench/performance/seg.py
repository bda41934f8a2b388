"""Time SEG here against py-ctcmetrics, on the same label files.

    python -m bench seg [--data data/Fluo-N2DH-GOWT1] [--rounds 3]

Silver labels count as prediction, gold ones as reference, over the frames that have both. Both sides read the files
themselves and use one process. Writes `bench/results/seg.json`.
"""

import re
import time
from pathlib import Path

from ctc_metrics.metrics import seg as ctc_seg
from ctc_metrics.utils.representations import match

from bench.common.environment import save_result
from bench.common.suite import described
from raysynth.measures.seg import compare_labels

_TARGET = 10.0


def _theirs(silver: Path, gold: Path) -> float:
    """Compute SEG by py-ctcmetrics."""
    files = [file.name for file in sorted(gold.iterdir()) if re.fullmatch(r"man_seg\d+\.tif", file.name)]
    common = [name for name in files if (silver / name).exists()]
    matches = [match(str(gold / name), str(silver / name)) for name in common]
    return ctc_seg([m[0] for m in matches], [m[4] for m in matches])


def _ours(silver: Path, gold: Path) -> float:
    """Compute SEG by raysynth, average precision included."""
    return compare_labels(str(silver), str(gold), common=True).seg


def _race(silver: Path, gold: Path, rounds: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Measure value and seconds, ours and theirs, in turns; the fastest of `rounds` is the least disturbed."""
    values, seconds = {}, {function: float("inf") for function in (_ours, _theirs)}
    for _ in range(rounds):
        for function in seconds:
            start = time.perf_counter()
            values[function] = function(silver, gold)
            seconds[function] = min(seconds[function], time.perf_counter() - start)
    return (values[_ours], seconds[_ours]), (values[_theirs], seconds[_theirs])


def main() -> None:
    """Measure both sequences."""
    parser = described(__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/Fluo-N2DH-GOWT1"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for sequence in ("01", "02"):
        folders = options.data / f"{sequence}_ST" / "SEG", options.data / f"{sequence}_GT" / "SEG"
        (value, seconds), (expected, reference_s) = _race(*folders, options.rounds)
        results[sequence] = {
            "seg": value,
            "seg_py_ctcmetrics": expected,
            "seconds": seconds,
            "seconds_py_ctcmetrics": reference_s,
            "ratio": reference_s / seconds,
            "target": _TARGET,
        }
        print(sequence, results[sequence])
    save_result("seg", results)
