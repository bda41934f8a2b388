"""How many synthesis actors a cluster holds, and what each claims.

A policy without a cluster: it reads the cluster's resources and the settings, and decides.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from raysynth.base.errors import InputError
from raysynth.config import RuntimeConfig

COMPOSER_CPUS = 1
"""Logical CPUs that a composer task claims."""


@dataclass(frozen=True)
class Pool:
    """A pool of synthesis actors.

    Attributes
    ----------
    actors
        Its size at the start.
    largest
        Its size when all nodes have joined.
    cpus, gpus
        Logical resources that one actor claims.
    """

    actors: int
    largest: int
    cpus: float
    gpus: float

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        """The torch device of every actor."""
        return "cuda" if self.gpus else "cpu"


def plan(resources: Mapping[str, float], runtime: RuntimeConfig) -> Pool:
    """Plan the pool for a cluster.

    Parameters
    ----------
    resources
        The cluster's logical resources by Ray's names, "CPU" and "GPU".
    runtime
        Settings: device, number of actors and what each claims.

    Returns
    -------
    Pool
        With GPUs: one actor per GPU, and with `runtime.max_actors` one on each GPU that is still to come. Without:
        actors claim a fraction of a CPU each and leave at least one for the composer tasks, because actors that hold
        every CPU starve the next stage for ever.

    Raises
    ------
    InputError
        When the cluster has no room for what `runtime` asks.
    """
    gpus, cpus = int(resources.get("GPU", 0)), resources.get("CPU", 0.0)
    on_gpus = runtime.device == "cuda" or (runtime.device == "auto" and gpus > 0)
    largest = runtime.max_actors or 0
    if largest and (runtime.actors or not on_gpus):
        # An actor that waits for a CPU would take the composer's: a pool on CPUs has its final size from the start.
        raise InputError(
            "runtime.max_actors lets a pool on GPUs grow: leave runtime.actors out, and set runtime.device to 'cuda' "
            "when the first GPU node is still to come"
        )
    if largest > gpus:  # nodes to come bring the composers' CPUs
        return Pool(gpus, largest, cpus=0, gpus=1)
    if cpus < COMPOSER_CPUS:
        raise InputError(
            f"the Ray cluster has {cpus:g} logical CPUs and composing needs one: start Ray with --num-cpus=2"
        )
    if runtime.device == "cuda" and gpus == 0:
        raise InputError(
            "runtime.device is 'cuda' but Ray sees no GPU: set it to 'auto', start Ray on a GPU, or set "
            "runtime.max_actors where an autoscaler adds nodes"
        )
    if on_gpus:
        size = largest or _fit(runtime, gpus, "GPUs")
        # No CPU, although the actor uses some: its claim would be taken from the composers, which need whole ones.
        return Pool(size, size, cpus=0, gpus=1)
    return _plan_cpu(cpus, runtime)


def _plan_cpu(cpus: float, runtime: RuntimeConfig) -> Pool:
    claim, spare = runtime.cpus_per_actor, cpus - COMPOSER_CPUS
    # 0.3 / 0.1 is 2.9999999999999996, and three actors that claim 0.1 do fit.
    room = math.floor(spare / claim + 1e-9)
    if room < 1:
        raise InputError(
            f"runtime.cpus_per_actor is {claim:g} but {spare:g} of the {cpus:g} logical CPUs are free beside the "
            "composer's one: lower it, or start Ray with a larger --num-cpus"
        )
    if runtime.actors is None:
        # A claim may be a small fraction of a CPU; the threads behind it are whole.
        room = min(room, max(1, int(cpus) // runtime.threads))
    size = _fit(runtime, room, f"actors of {claim:g} CPUs")
    return Pool(size, size, cpus=claim, gpus=0)


def _fit(runtime: RuntimeConfig, room: int, what: str) -> int:
    if runtime.actors is not None and runtime.actors > room:
        raise InputError(
            f"runtime.actors is {runtime.actors} but the cluster has room for {room} {what} beside the composer tasks: "
            "lower it, or leave it out to use what is there"
        )
    return runtime.actors or room
