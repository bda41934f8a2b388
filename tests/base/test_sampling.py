"""Even positions, and batches of one size."""

from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.sampling import equal_batches, evenly_spaced


@given(st.integers(1, 200), st.integers(1, 50))
def test_positions_are_ascending_apart_and_reach_both_ends(total: int, count: int) -> None:
    chosen = evenly_spaced(total, count)
    assert len(chosen) == min(total, count)
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert count == 1 or chosen[-1] == total - 1


def test_without_a_count_all_are_chosen() -> None:
    assert evenly_spaced(3, None) == [0, 1, 2]
    assert evenly_spaced(0, 4) == []


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
def test_equal_batches_keep_order_and_shape(items: list[int], size: int) -> None:
    batches = list(equal_batches(items, size))
    assert len({len(batch) for batch, _ in batches}) == (1 if items else 0)
    assert all(len(batch) <= size for batch, _ in batches)
    assert len(batches) <= -(-len(items) // size)
    assert sum(len(batch) - count for batch, count in batches) < max(1, len(batches))
    assert [item for batch, count in batches for item in batch[:count]] == items
