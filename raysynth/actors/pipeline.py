"""The streaming pipeline: cells from a pool of actors, frames from composer tasks.

Ray Data's streaming executor does the scheduling, the back-pressure and the retries. One row is one block is one shard.
An exception ends its shard, not the run; so does a process that dies again and again (see `attempts`).
"""

import logging
import socket
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from raysynth.actors.attempts import Attempts
from raysynth.actors.pool import COMPOSER_CPUS, Pool
from raysynth.actors.shard_outcome import ShardOutcome, outcome_row, read_cells, read_outcome
from raysynth.base.errors import RunError, first_line
from raysynth.population.cell import Cell
from raysynth.population.packing import PackedCells, pack_cells, unpack_cells

_Result = TypeVar("_Result")

_NO_TIMEOUT = -1
"""A shard of volumes may take hours on a CPU; what bounds a stuck one is its attempts, not silence."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Synthesised(Protocol):
    """The cells of one shard, their counts, and the seconds of each stage."""

    cells: list[Cell]
    counts: dict[str, int]
    seconds: dict[str, float]


class Synthesiser(Protocol):
    """Makes the cells of a shard. Built once per actor, by a factory that travels to it."""

    def __call__(self, shard: int) -> Synthesised:
        """Make the cells of a shard, the same ones at every call."""


class Composer(Protocol):
    """Composes the frames of a shard and writes them."""

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Write a shard from its cells; takes the synthesiser's counts, and returns all counts of the shard."""


@dataclass(frozen=True)
class Synthesis:
    """The first stage.

    Attributes
    ----------
    factory
        Makes the synthesiser in each actor.
    pool
        How many actors, and what each claims.
    """

    factory: Callable[[], Synthesiser]
    pool: Pool


def run(
    shards: Sequence[int], composer: Composer, attempts: Attempts, threads: int, synthesis: Synthesis | None = None
) -> Generator[ShardOutcome, None, None]:
    """Synthesise, compose and write shards on the Ray cluster that this process is connected to.

    Parameters
    ----------
    shards
        Their numbers.
    composer
        What the composer tasks do.
    attempts
        Counts the tries.
    threads
        CPU threads of the linear algebra below numpy and torch in every process; results depend on it.
    synthesis
        The actors that make the cells; None: the composer has cells of its own.

    Yields
    ------
    ShardOutcome
        What became of each shard, as it ends.

    Raises
    ------
    RunError
        When the target is full, or the cluster cannot go on.
    """
    if not shards:
        return
    dataset = _stages(shards, composer, attempts, threads, synthesis)
    try:
        # Nothing is fetched ahead: Ray would hold an outcome back until the next shard has ended, too.
        for row in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            outcome = read_outcome(row)
            if outcome.ends_run is not None:
                raise RunError(outcome.ends_run)
            yield outcome
    except RayError as error:
        raise RunError(
            f"Ray ended the run ({first_line(error)}): give the same command again, finished shards stay"
        ) from error


def _stages(
    shards: Sequence[int], composer: Composer, attempts: Attempts, threads: int, synthesis: Synthesis | None
) -> ray.data.Dataset:
    """Lay out the stages as Ray Data takes them."""
    _quieten(attempts.limit)
    dataset: ray.data.Dataset = ray.data.from_items(
        [{"shard": shard} for shard in shards], override_num_blocks=len(shards)
    )
    if synthesis is not None:
        pool = synthesis.pool
        dataset = dataset.map_batches(
            _Synthesise,
            batch_size=1,
            batch_format="pyarrow",
            fn_constructor_kwargs={"factory": synthesis.factory, "attempts": attempts},
            # All actors are asked for at once. Those without room wait for it, and that they wait is what an autoscaler
            # adds nodes for; a pool that Ray Data grows asks for no more than twice what has already ended a shard.
            # The second shard waits in the actor's queue: to be sent one only then costs a tenth of a second or more.
            compute=ActorPoolStrategy(size=min(pool.largest, len(shards)), max_tasks_in_flight_per_actor=2),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus,
            runtime_env=environment(threads),
        )
    return dataset.map_batches(
        _compose,  # type: ignore[arg-type]  # Ray's annotation leaves out what fn_kwargs fill
        batch_size=1,
        batch_format="pyarrow",
        fn_kwargs={"composer": composer, "attempts": attempts},
        num_cpus=COMPOSER_CPUS,
        runtime_env=environment(threads),
    )


def _quieten(limit: int) -> None:
    """Set up Ray Data: no output of its own, no timeout, and at most `limit` deaths of an actor that starts."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = _NO_TIMEOUT
    context.max_consecutive_actor_init_deaths = limit


def environment(threads: int) -> dict[str, Any]:
    """Give Ray's environment of every process: its number of threads, on which results depend.

    Parameters
    ----------
    threads
        CPU threads of the linear algebra.

    Returns
    -------
    dict
        Ray's `runtime_env`.
    """
    # Of the process, because these libraries read them once, when they are loaded. torch refuses deterministic
    # algorithms on CUDA unless cuBLAS has a fixed workspace.
    return {"env_vars": dict.fromkeys(_THREAD_VARIABLES, str(threads)) | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}}


class _Synthesise:
    """The actor: holds one synthesiser, and answers one shard at a time with a row that holds its packed cells."""

    def __init__(self, factory: Callable[[], Synthesiser], attempts: Attempts) -> None:
        self._factory = factory
        self._attempts = attempts

    @cached_property
    def _synthesiser(self) -> Synthesiser:
        # Built within the first attempt, so that a failure or a death while loading is a shard's and is counted.
        return self._factory()

    def __call__(self, row: pa.Table) -> pa.Table:
        outcome = read_outcome(row)
        outcome, made = _attempt("synthesise", outcome, self._attempts, lambda: self._synthesise(outcome.shard))
        if made is None:
            return outcome_row(outcome)
        cells, counts, seconds = made
        return outcome_row(replace(outcome, counts=counts, seconds=seconds), cells)

    def _synthesise(self, shard: int) -> tuple[PackedCells, dict[str, int], dict[str, float]]:
        made = self._synthesiser(shard)
        # Packed within the attempt: cells that are too large for a record fail their shard, with the reason.
        return pack_cells(made.cells), made.counts, made.seconds


def _compose(row: pa.Table, composer: Composer, attempts: Attempts) -> pa.Table:
    """Turn a row of packed cells into a written shard, as a composer task; a failed row is passed on."""
    outcome = read_outcome(row)
    if outcome.reason is not None:
        return outcome_row(outcome)

    def compose() -> Mapping[str, int]:
        # Here and not before, so that a death while unpacking counts as an attempt.
        packed = read_cells(row)
        return composer(outcome.shard, [] if packed is None else unpack_cells(packed), outcome.counts)

    composed, counts = _attempt("compose", outcome, attempts, compose)
    begun, ended = composed.times["compose"]
    seconds = composed.seconds | {"compose": ended - begun}
    return outcome_row(replace(composed, counts=dict(counts or composed.counts), seconds=seconds))


def _attempt(
    stage: str, outcome: ShardOutcome, attempts: Attempts, work: Callable[[], _Result]
) -> tuple[ShardOutcome, _Result | None]:
    """Do `work` as a recorded attempt; whatever goes wrong becomes the outcome's reason, and the result None."""
    begun, result = time.time(), None
    try:
        number = attempts.begin(stage, outcome.shard)
        hosts = outcome.hosts | {stage: socket.gethostname()}
        outcome = replace(outcome, hosts=hosts, attempts=outcome.attempts | {stage: number})
        result = work()
    except Exception as error:  # Any error of one shard must leave the others running; it is kept, with its trace.
        reason = str(error) or type(error).__name__
        ends_run = reason if isinstance(error, RunError) else None
        outcome = replace(outcome, reason=f"{stage}: {reason}", ends_run=ends_run, trace=traceback.format_exc())
    return replace(outcome, times=outcome.times | {stage: (begun, time.time())}), result
