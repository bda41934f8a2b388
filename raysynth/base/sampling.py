"""Choosing some of many, evenly; and cutting a list into batches of one size."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def evenly_spaced(total: int, count: int | None) -> list[int]:
    """Choose positions that are spread evenly over a list, its first and last among them.

    Parameters
    ----------
    total
        Length of the list.
    count
        How many positions at most; None: all.

    Returns
    -------
    list of int
        `min(total, count)` positions, ascending.
    """
    if count is None or count >= total:
        return list(range(total))
    # Positions lie more than 1 apart here, so no two are rounded to the same one.
    return [int(place) for place in np.linspace(0, total - 1, count).round()]


def equal_batches(items: Sequence[Item], size: int) -> Iterator[tuple[list[Item], int]]:
    """Cut a list, in order, into as few batches of one size as hold it: 50 items and a size of 32 make two of 25.

    A network's result depends on the shape of its batch. Here that shape is a function of the number of items and of
    `size` alone, never of the machine, so the same items give the same bytes everywhere.

    Parameters
    ----------
    items
        What is cut.
    size
        Largest number of items in a batch.

    Yields
    ------
    tuple of list and int
        A batch, the last one filled up with its last item; and how many of its items count.
    """
    if not items:
        return
    # b = ceil(n / size) batches are needed, and ceil(n / b) items in each are enough.
    even = math.ceil(len(items) / math.ceil(len(items) / size))
    for start in range(0, len(items), even):
        batch = list(items[start : start + even])
        yield batch + [batch[-1]] * (even - len(batch)), len(batch)
