import torch
from torch import Tensor, nn

from raysynth.train.held_out import CHUNK, held_out_loss
from raysynth.train.task import SampleBatch


class Recorder:
    """Its loss is the mean of the clean samples; it keeps the timesteps it was asked at."""

    def __init__(self) -> None:
        self.t: list[int] = []

    def loss(self, model: nn.Module, batch: SampleBatch) -> Tensor:
        assert not model.training
        assert not torch.is_grad_enabled()
        assert len(batch.conditions[0]) == len(batch.t) <= CHUNK
        self.t += batch.t.tolist()
        return batch.clean.mean()


def test_times_are_spread_evenly_whatever_was_drawn() -> None:
    n = CHUNK + 4
    clean = torch.arange(float(n)).reshape(n, 1)
    batch = SampleBatch(clean, torch.zeros(n, 1), torch.zeros(n, dtype=torch.long), (torch.zeros(n),))
    task = Recorder()
    loss = held_out_loss(task, nn.Linear(1, 1), batch)
    assert loss == float(clean.mean())
    assert task.t == [25 + 50 * i for i in range(n)]
