"""The next batch is made while the current one is computed on."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

K = TypeVar("K")
B = TypeVar("B")


def prefetched(make: Callable[[K], B], keys: Iterable[K]) -> Generator[tuple[B, float], None, None]:
    """`make` of every key, in order, each with the seconds that were spent waiting for it.

    One thread works one key ahead. Batches must depend on their key alone; an error in `make` is raised here.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        following = None
        for key in keys:
            current, following = following, pool.submit(make, key)
            if current is not None:
                yield _timed(current.result)
        if following is not None:
            yield _timed(following.result)


def _timed(wait: Callable[[], B]) -> tuple[B, float]:
    start = time.perf_counter()
    return wait(), time.perf_counter() - start
