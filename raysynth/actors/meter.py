"""What a run does while it runs: rates, how busy the actors are, how many shards wait between the stages.

Measured from the shards' outcomes alone, so it costs the workers nothing. The same values go into the progress line,
into Ray's metrics (Prometheus, where Ray exports them: `pip install ray[default]`) and into the run's record.
"""

import time
from collections import Counter
from dataclasses import dataclass, fields

from ray.util import metrics

from raysynth.actors.shard_outcome import ShardOutcome

_COUNTED = ("cells", "frames")


@dataclass(frozen=True)
class RunRates:
    """How fast a run has been so far.

    Attributes
    ----------
    elapsed
        Seconds since it began.
    startup
        Seconds until the first actor or task was at work.
    cells_per_second, frames_per_second
        Of finished shards.
    actors_busy
        Fraction of the actors' time that was spent on finished shards; None without actors.
    shards_waiting
        How many shards, on average, are synthesised and not yet being composed (by Little's law); None without actors.
    """

    elapsed: float
    startup: float
    cells_per_second: float
    frames_per_second: float
    actors_busy: float | None = None
    shards_waiting: float | None = None

    def values(self) -> dict[str, float]:
        """Give what is known, by name."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in known.items() if value is not None}

    def line(self) -> str:
        """Say it in one line, for the progress."""
        line = f"{self.cells_per_second:.3g} cells/s, {self.frames_per_second:.3g} frames/s"
        if self.actors_busy is not None and self.shards_waiting is not None:
            line += f", actors {self.actors_busy:.0%} busy, {self.shards_waiting:.2g} shards waiting"
        return line


class Meter:
    """Measures one run.

    Parameters
    ----------
    actors
        Number of synthesis actors; 0 where there are none.
    """

    def __init__(self, actors: int) -> None:
        self._actors = actors
        # Rates need a clock that never jumps; spans come from other hosts, which share the time of day alone.
        self._clock, self._began = time.monotonic(), time.time()
        self._startup: float | None = None
        self._totals: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._busy = self._waited = 0.0
        self._export = _Export()

    def add(self, outcome: ShardOutcome) -> None:
        """Count a shard that has ended.

        Parameters
        ----------
        outcome
            What became of it.
        """
        for stage, spent in outcome.seconds.items():
            self._seconds[stage] = self._seconds.get(stage, 0.0) + spent
        if outcome.reason is None:
            self._totals.update({name: outcome.counts.get(name, 0) for name in _COUNTED})
        times = outcome.times
        if times:
            first = min(start for start, _ in times.values()) - self._began
            self._startup = first if self._startup is None else min(self._startup, first)
        if "synthesise" in times:
            made, end = times["synthesise"]
            self._busy += end - made
            if "compose" in times:
                self._waited += max(0.0, times["compose"][0] - end)  # hosts' clocks may differ a little
        self._export.add(outcome, self.rates())

    def rates(self) -> RunRates:
        """Tell how fast the run has been so far."""
        elapsed = max(time.monotonic() - self._clock, 1e-9)
        cells, frames = (round(self._totals[name] / elapsed, 3) for name in _COUNTED)
        if not self._actors:
            return RunRates(round(elapsed, 3), round(self._startup or 0.0, 3), cells, frames)
        # Little's law L = λ W: shards per second times their mean wait is the sum of all waits over the elapsed time.
        busy, waiting = round(self._busy / elapsed / self._actors, 3), round(self._waited / elapsed, 3)
        return RunRates(round(elapsed, 3), round(self._startup or 0.0, 3), cells, frames, busy, waiting)

    def seconds(self) -> dict[str, float]:
        """Give the seconds of each stage, summed over all shards."""
        return {stage: round(value, 3) for stage, value in self._seconds.items()}


class _Export:
    """Ray's own metrics of the driver's process; Ray prefixes them and adds its labels."""

    def __init__(self) -> None:
        self._shards = metrics.Counter("raysynth_shards", "Shards that ended.", ("outcome",))
        self._stages = metrics.Counter("raysynth_stage_seconds", "Seconds spent, by stage.", ("stage",))
        self._counts = {
            name: metrics.Counter(f"raysynth_{name}", f"Number of {name} in written shards.") for name in _COUNTED
        }
        self._gauges: dict[str, metrics.Gauge] = {}

    def add(self, outcome: ShardOutcome, rates: RunRates) -> None:
        self._shards.inc(tags={"outcome": "written" if outcome.reason is None else "failed"})
        for stage, seconds in outcome.seconds.items():
            # Ray's counters refuse to be raised by 0.
            if seconds > 0:
                self._stages.inc(seconds, tags={"stage": stage})
        for name, counter in self._counts.items():
            if outcome.reason is None and outcome.counts.get(name):
                counter.inc(outcome.counts[name])
        for name, value in rates.values().items():
            if name not in self._gauges:
                self._gauges[name] = metrics.Gauge(f"raysynth_{name}", "See raysynth/actors/meter.py.")
            self._gauges[name].set(value)
