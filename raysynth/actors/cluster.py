"""The Ray cluster that a command works on."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from raysynth.base.errors import InputError, first_line


@contextmanager
def cluster(address: str | None = None) -> Iterator[dict[str, float]]:
    """Connect to a Ray cluster, or start one on this machine.

    Parameters
    ----------
    address
        Of a running cluster; None: that of `RAY_ADDRESS`, else a new one, which ends with the block. A cluster that the
        caller is connected to already is used and left running.

    Yields
    ------
    dict
        Its logical resources by Ray's names.

    Raises
    ------
    InputError
        When nothing answers at the address.
    """
    # Whoever connected before has chosen the settings below; Ray takes them at its start alone.
    if ray.is_initialized():
        yield ray.cluster_resources()
        return
    # Ray's core writes warnings about its own workings to stderr, between the lines meant for the user.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # Ray lowers its workers' priority by 15, beside which any other job starves them.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # Without an address Ray joins any cluster of this machine that `ray start` made, also one that is being stopped.
    chosen = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        with _kept_sigterm(), _silenced_stderr():  # where it also says that these were set
            ray.init(address=chosen, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise InputError(
            f"--address {chosen}: no Ray cluster answers there ({first_line(error)}): start one with "
            "'ray start --head', set RAY_AUTH_MODE=token if it asks for a token, or leave --address out to use this "
            "machine"
        ) from None
    try:
        yield ray.cluster_resources()
    finally:
        ray.shutdown()


@contextmanager
def _kept_sigterm() -> Iterator[None]:
    """Put this process's own handler back: with Ray's, SIGTERM would end it before anything is cleaned up."""
    # Python sets handlers in the main thread alone; elsewhere Ray cannot have replaced one either.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Drop what this process's compiled parts write to stderr; exceptions pass."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
