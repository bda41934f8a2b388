from hypothesis import given
from hypothesis import strategies as st

from raysynth.config import TrainConfig
from raysynth.train.task import sample_generators


@given(st.integers(0, 5), st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 4)]))
def test_workers_and_parts_share_out_the_same_global_samples(step: int, cut: tuple[int, int]) -> None:
    world, accumulate = cut
    config = TrainConfig(batch=16, accumulate=accumulate)
    shared = [
        g
        for part in range(accumulate)
        for rank in range(world)
        for g in sample_generators(config, step, rank, world, part)
    ]
    alone = sample_generators(TrainConfig(batch=16), step, 0, 1, 0)
    assert [g.integers(2**31) for g in shared] == [g.integers(2**31) for g in alone]
