"""The Ray cluster that a command works on."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from raysynth.errors import InputError


@contextmanager
def cluster(address: str | None = None) -> Iterator[dict[str, float]]:
    """Connect to the Ray cluster at `address`, or start one on this machine; yields its logical resources.

    Without `address`, `RAY_ADDRESS` counts. A cluster that the caller is connected to already is used and left running.
    Raises InputError when nothing answers at `address`.
    """
    if ray.is_initialized():
        yield ray.cluster_resources()
        return
    # Ray's core writes warnings about its own workings to this process's stderr, between the lines meant for the user.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise InputError(
            f"--address {address}: no Ray cluster answers there ({str(error).splitlines()[0]}): start one with "
            "'ray start --head', or leave --address out to use this machine"
        ) from None
    try:
        yield ray.cluster_resources()
    finally:
        ray.shutdown()
