import threading
from collections.abc import Iterator

import pytest

from raysynth.train.prefetch import prefetched


def test_batches_come_in_order_and_one_ahead() -> None:
    made: list[int] = []
    following = threading.Event()

    def make(key: int) -> int:
        made.append(key)
        if key == 1:
            following.set()
        return key * 10

    batches = prefetched(make, range(4))
    batch, waited = next(batches)
    assert batch == 0
    assert waited >= 0
    assert following.wait(30), "the second batch is made before it is asked for"
    assert [batch for batch, _ in batches] == [10, 20, 30]
    assert made == [0, 1, 2, 3]


def test_keys_are_taken_no_further_than_one_ahead() -> None:
    taken: list[int] = []

    def keys() -> Iterator[int]:
        for key in range(100):
            taken.append(key)
            yield key

    batches = prefetched(lambda key: key, keys())
    next(batches)
    batches.close()
    assert taken == [0, 1]


def test_an_error_in_the_thread_is_raised_where_the_batch_is_asked_for() -> None:
    def make(key: int) -> int:
        if key == 1:
            raise KeyError("no such crop")
        return key

    batches = prefetched(make, range(3))
    assert next(batches)[0] == 0
    with pytest.raises(KeyError, match="no such crop"):
        next(batches)


def test_nothing_to_do() -> None:
    assert list(prefetched(lambda key: key, [])) == []
