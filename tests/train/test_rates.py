import pytest
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from torch.optim import AdamW, Optimizer

from raysynth.train.rates import cosine_with_warmup


def optimizer() -> Optimizer:
    return AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.00123)


@pytest.mark.parametrize(("warmup", "steps"), [(0, 7), (1, 4), (100, 2000), (13, 13), (20, 10)])
def test_rates_are_those_that_diffusers_gives_to_the_last_bit(warmup: int, steps: int) -> None:
    ours, theirs = optimizer(), optimizer()
    mine, reference = cosine_with_warmup(ours, warmup, steps), get_cosine_schedule_with_warmup(theirs, warmup, steps)
    for _ in range(steps + 2):
        assert mine.get_last_lr() == reference.get_last_lr()
        for each, schedule in ((ours, mine), (theirs, reference)):
            each.step()
            schedule.step()


def test_the_state_of_an_earlier_version_is_resumed() -> None:
    theirs, ours = optimizer(), optimizer()
    reference, mine = get_cosine_schedule_with_warmup(theirs, 3, 50), cosine_with_warmup(ours, 3, 50)
    for _ in range(10):
        theirs.step()
        reference.step()
    ours.load_state_dict(theirs.state_dict())
    mine.load_state_dict(reference.state_dict())
    assert mine.state_dict().keys() == reference.state_dict().keys()
    for each, schedule in ((theirs, reference), (ours, mine)):
        each.step()
        schedule.step()
    assert mine.get_last_lr() == reference.get_last_lr()
    assert ours.param_groups[0]["lr"] == theirs.param_groups[0]["lr"]
