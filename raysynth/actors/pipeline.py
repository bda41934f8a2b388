"""The streaming pipeline: cells from a pool of actors, frames from composer tasks.

Ray Data's streaming executor does the scheduling, the back-pressure and the retries. One row is one block is one shard.
An exception ends its shard, not the run; so does a process that dies again and again (see `attempts`).
"""

import json
import logging
import pickle
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from raysynth.actors.attempts import Attempts
from raysynth.actors.pool import COMPOSER_CPUS, Pool
from raysynth.base.errors import RunError
from raysynth.population.cell import Cell
from raysynth.population.packing import pack, unpack

Row = dict[str, Any]
T = TypeVar("T")
# A shard of volumes may take hours on a CPU; what bounds a stuck one is its attempts, not silence.
NO_TIMEOUT = -1
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Synthesised(Protocol):
    """The cells of one shard, their counts, and the seconds of each stage."""

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float]


class Synthesiser(Protocol):
    """Makes the cells of a shard. Built once an actor, by a factory that travels to it."""

    def __call__(self, shard: int) -> Synthesised:
        """The cells of `shard`, the same ones at every call."""


class Composer(Protocol):
    """Composes the frames of a shard and writes them."""

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Write `shard` from its cells; `counts` are the synthesiser's, all of the shard's counts are returned."""


@dataclass(frozen=True)
class Report:
    """What became of one shard; `reason` is None for one that is written. The dictionaries are by stage or by count.

    ends_run: why no other shard would fare better. times: when a stage began and ended, seconds since the epoch by its
    host's clock.
    """

    shard: int
    reason: str | None = None
    ends_run: str | None = None
    trace: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)


def run(
    shards: Sequence[int],
    factory: Callable[[], Synthesiser] | None,
    composer: Composer,
    attempts: Attempts,
    pool: Pool | None,
    threads: int,
) -> Iterator[Report]:
    """Synthesise, compose and write `shards` on the running Ray cluster; yields each shard's report as it ends.

    Raises RunError when the target is full, or the cluster cannot go on.
    factory, pool: of the synthesis actors; None where the composer has cells of its own.
    threads: CPU threads of the linear algebra below numpy and torch in every process; results depend on it.
    """
    if not shards:
        return
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = NO_TIMEOUT
    context.max_consecutive_actor_init_deaths = attempts.limit
    rows = [_row(Report(shard)) for shard in shards]
    dataset: ray.data.Dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    if factory is not None and pool is not None:
        dataset = dataset.map(
            _Synthesise,  # type: ignore[arg-type]  # Ray's annotation leaves out classes, and what fn_kwargs fill
            fn_constructor_kwargs={"factory": factory, "attempts": attempts},
            # All actors are asked for at once. Those without room wait for it, and that they wait is what an autoscaler
            # adds nodes for; a pool that Ray Data grows asks for no more than twice what has already ended a shard.
            # The second shard waits in the actor's queue: to be sent one only then costs a tenth of a second or more.
            compute=ActorPoolStrategy(size=min(pool.largest, len(shards)), max_tasks_in_flight_per_actor=2),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus,
            runtime_env=environment(threads),
        )
    dataset = dataset.map(
        _compose,  # type: ignore[arg-type]
        fn_kwargs={"composer": composer, "attempts": attempts},
        num_cpus=COMPOSER_CPUS,
        runtime_env=environment(threads),
    )
    try:
        for row in dataset.iter_rows():
            report = Report(**json.loads(row["report"]))
            if report.ends_run is not None:
                raise RunError(report.ends_run)
            yield report
    except RayError as error:
        told = str(error).splitlines()[0]
        raise RunError(f"Ray ended the run ({told}): give the same command again, finished shards stay") from error


def environment(threads: int) -> dict[str, Any]:
    """Ray's environment of every process: its number of threads, on which results depend."""
    return {"env_vars": dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}}


class _Synthesise:
    """The actor: holds one synthesiser, and answers one shard at a time with a row that holds its packed cells."""

    def __init__(self, factory: Callable[[], Synthesiser], attempts: Attempts) -> None:
        self._factory = factory
        self._attempts = attempts

    @cached_property
    def _synthesiser(self) -> Synthesiser:
        # Built within the first attempt, so that a failure or a death while loading is a shard's and is counted.
        return self._factory()

    def __call__(self, row: Row) -> Row:
        report = Report(**json.loads(row["report"]))
        report, made = _attempt("synthesise", report, self._attempts, lambda: self._synthesise(report.shard))
        if made is None:
            return _row(report, b"")
        cells, counts, seconds = made
        return _row(replace(report, counts=counts, seconds=seconds), cells)

    def _synthesise(self, shard: int) -> tuple[bytes, dict[str, int], dict[str, float]]:
        made = self._synthesiser(shard)
        return pickle.dumps(pack(made.cells)), made.counts, made.seconds


def _compose(row: Row, composer: Composer, attempts: Attempts) -> Row:
    """The composer task: turns a row of packed cells into a written shard; passes a failed row on."""
    report = Report(**json.loads(row["report"]))
    if report.reason is not None:
        return _row(report)
    report, counts = _attempt(
        "compose",
        report,
        attempts,
        lambda: composer(report.shard, unpack(pickle.loads(row["cells"])) if "cells" in row else [], report.counts),
    )
    begun, ended = report.times["compose"]
    seconds = report.seconds | {"compose": ended - begun}
    return _row(replace(report, counts=dict(counts or report.counts), seconds=seconds))


def _attempt(stage: str, report: Report, attempts: Attempts, work: Callable[[], T]) -> tuple[Report, T | None]:
    """Do `work` as a recorded attempt; whatever goes wrong becomes the report's reason, and the result None."""
    begun, result = time.time(), None
    try:
        number = attempts.begin(stage, report.shard)
        hosts = report.hosts | {stage: socket.gethostname()}
        report = replace(report, hosts=hosts, attempts=report.attempts | {stage: number})
        result = work()
    except Exception as error:  # Any error of one shard must leave the others running; it is kept, with its trace.
        reason = str(error) or type(error).__name__
        ends_run = reason if isinstance(error, RunError) else None
        report = replace(report, reason=f"{stage}: {reason}", ends_run=ends_run, trace=traceback.format_exc())
    return replace(report, times=report.times | {stage: (begun, time.time())}), result


def _row(report: Report, cells: bytes | None = None) -> Row:
    row: Row = {"report": json.dumps(asdict(report))}
    return row if cells is None else row | {"cells": cells}
