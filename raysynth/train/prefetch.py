"""The next batch is made while the current one is computed on."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Key = TypeVar("_Key")
_Made = TypeVar("_Made")


def prefetched(make: Callable[[_Key], _Made], keys: Iterable[_Key]) -> Generator[tuple[_Made, float], None, None]:
    """Make something of every key, one key ahead, in a thread of its own.

    Parameters
    ----------
    make
        Makes a batch. It must depend on its key alone; an error in it is raised here.
    keys
        What is made, in order.

    Yields
    ------
    tuple
        What was made, and the seconds that were spent waiting for it.
    """
    # One thread: batches are made one after the other, so tasks need no locks.
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        following = None
        for key in keys:
            # The next one is begun before the present one is given away: it is made while the caller computes.
            current, following = following, pool.submit(make, key)
            if current is not None:
                yield _timed(current.result)
        if following is not None:
            yield _timed(following.result)


def _timed(wait: Callable[[], _Made]) -> tuple[_Made, float]:
    start = time.perf_counter()
    return wait(), time.perf_counter() - start
