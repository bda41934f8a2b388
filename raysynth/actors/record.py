"""The record of a run in its data set: when it ran, with which settings, and what became of each shard."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from raysynth.actors.shard_outcome import ShardOutcome
from raysynth.base.canonical import canonical_json
from raysynth.base.objects import Objects
from raysynth.store.dataset import RUNS
from raysynth.store.marks import record_failure


class RunRecord:
    """Writes the record when the run begins, and again when it ends, however it does.

    Parameters
    ----------
    target
        The data set.
    run
        Name of the run.
    settings
        What repairing needs, as `run_settings` gives it.
    """

    def __init__(self, target: Objects, run: str, settings: dict[str, Any]) -> None:
        self._target, self._run = target, run
        self._document: dict[str, Any] = {"run": run, "started": _now(), "settings": settings, "shards": []}

    def __enter__(self) -> "RunRecord":
        """Write that the run has begun."""
        # Also now: `verify --repair` needs the settings of a run whose driver was killed.
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Write what became of it, also when it is interrupted."""
        self._document["ended"] = _now()
        self._write()

    def add(self, outcome: ShardOutcome) -> None:
        """Note what became of a shard; a failure is recorded at once.

        Parameters
        ----------
        outcome
            What became of it.
        """
        # Kept in memory until the end: rewriting the record for every shard would take time in the square of their
        # number.
        self._document["shards"].append(asdict(outcome))
        if outcome.reason is not None:
            record_failure(self._target, outcome.shard, outcome.reason)

    def summarise(self, summary: dict[str, Any]) -> None:
        """Note the summary of the whole run.

        Parameters
        ----------
        summary
            JSON values.
        """
        self._document["summary"] = summary

    def _write(self) -> None:
        self._target.put(f"{RUNS}{self._run}.json", canonical_json(self._document))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
