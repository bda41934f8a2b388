"""What a run does while it runs: rates, how busy the actors are, how many shards wait between the stages.

Measured from the shards' reports alone, so it costs the workers nothing. The same figures go into the progress line,
into Ray's metrics (Prometheus, where Ray exports them: `pip install ray[default]`) and into the run's record.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ray.util import metrics

from raysynth.actors.pipeline import Report

COUNTED = ("cells", "frames")


class Meter:
    """The figures of one run so far. actors: of synthesis, 0 where there are none; it tells how many are at work."""

    def __init__(self, actors: int) -> None:
        self._actors = actors
        self._clock, self._began = time.monotonic(), time.time()
        self._startup: float | None = None
        self._totals: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._busy = self._waited = 0.0
        self._export = _Export()

    def measured(self, reports: Iterable[Report]) -> Iterator[Report]:
        """Pass on the reports, each counted when it comes."""
        for report in reports:
            self._add(report)
            yield report

    def _add(self, report: Report) -> None:
        self._seconds.update(report.seconds)
        if report.reason is None:
            self._totals.update({name: report.counts.get(name, 0) for name in COUNTED})
        times = report.times
        if times:
            first = min(start for start, _ in times.values()) - self._began
            self._startup = first if self._startup is None else min(self._startup, first)
        if "synthesise" in times:
            made, end = times["synthesise"]
            self._busy += end - made
            if "compose" in times:
                self._waited += max(0.0, times["compose"][0] - end)  # hosts' clocks may differ a little
        self._export.add(report, self.figures())

    def figures(self) -> dict[str, float]:
        """Figures so far.

        elapsed: seconds. startup: seconds until the first actor or task was at work. <what>_per_second: of finished
        shards. actors_busy: share of the actors' time spent on finished shards. shards_waiting: how many, on average,
        are synthesised and not yet being composed (by Little's law).
        """
        elapsed = max(time.monotonic() - self._clock, 1e-9)
        figures = {"elapsed": elapsed, "startup": self._startup or 0.0}
        figures |= {f"{name}_per_second": self._totals[name] / elapsed for name in COUNTED}
        if self._actors:
            figures |= {"actors_busy": self._busy / elapsed / self._actors, "shards_waiting": self._waited / elapsed}
        return {name: round(value, 3) for name, value in figures.items()}

    def record(self) -> dict[str, Any]:
        """The figures, and the seconds of each stage summed over all shards."""
        return {"seconds": {stage: round(value, 3) for stage, value in self._seconds.items()}} | self.figures()

    def line(self) -> str:
        """The figures, for the progress line."""
        now = self.figures()
        line = f"{now['cells_per_second']:.3g} cells/s, {now['frames_per_second']:.3g} frames/s"
        if self._actors:
            line += f", actors {now['actors_busy']:.0%} busy, {now['shards_waiting']:.2g} shards waiting"
        return line


class _Export:
    """Ray's own metrics of the driver's process; Ray prefixes them and adds its labels."""

    def __init__(self) -> None:
        self._shards = metrics.Counter("raysynth_shards", "Shards that ended.", ("outcome",))
        self._stages = metrics.Counter("raysynth_stage_seconds", "Seconds spent, by stage.", ("stage",))
        self._counts = {
            name: metrics.Counter(f"raysynth_{name}", f"Number of {name} in written shards.") for name in COUNTED
        }
        self._gauges: dict[str, metrics.Gauge] = {}

    def add(self, report: Report, figures: dict[str, float]) -> None:
        self._shards.inc(tags={"outcome": "written" if report.reason is None else "failed"})
        for stage, seconds in report.seconds.items():
            if seconds > 0:
                self._stages.inc(seconds, tags={"stage": stage})
        for name, counter in self._counts.items():
            if report.reason is None and report.counts.get(name):
                counter.inc(report.counts[name])
        for name, value in figures.items():
            if name not in self._gauges:
                self._gauges[name] = metrics.Gauge(f"raysynth_{name}", "See raysynth/actors/meter.py.")
            self._gauges[name].set(value)
