import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.export.torch_dataset import ShardSampler, TorchDataset, read_torch
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write


def halved(image: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A transform that pickles."""
    return image / 2, labels


def test_items_are_the_frames_that_are_present(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path, spec, shards=[0, 2])
    frames = read_torch(dataset)
    assert len(frames) == 3
    image, labels = frames[2]
    assert (image.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert np.array_equal(image.numpy(), dataset.image(4))
    assert np.array_equal(labels.numpy(), dataset.labels(4))
    small, _ = read_torch(dataset.uri, halved, level=1)[2]
    assert np.array_equal(small.numpy(), dataset.image(4, level=1) / np.float32(2))
    with pytest.raises(InputError, match="no level 2: choose one from 0 to 1"):
        read_torch(dataset, level=2)


@pytest.mark.parametrize(("start", "workers"), [("fork", 2), ("spawn", 1)])
def test_workers_read_what_one_process_reads(
    tmp_path: Path, write: Write, spec: DatasetSpec, start: str, workers: int
) -> None:
    dataset = write(tmp_path, spec)
    frames = read_torch(dataset)
    frames[0]  # an open store does not travel
    loader = DataLoader(frames, batch_size=2, num_workers=workers, multiprocessing_context=start)
    batches = list(loader)
    assert np.array_equal(torch.cat([image for image, _ in batches]).numpy(), dataset.array("image")[...])
    assert np.array_equal(torch.cat([labels for _, labels in batches]).numpy(), dataset.array("labels")[...])


def test_a_bucket_is_read_in_spawned_workers_and_refused_in_forked_ones(
    bucket: str, write: Write, spec_2d: DatasetSpec
) -> None:
    dataset = write(bucket, spec_2d)
    frames = read_torch(dataset)
    forked = DataLoader(frames, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(InputError, match=r"cannot be read in a forked process: .* multiprocessing_context="):
        list(forked)
    image, _ = pickle.loads(pickle.dumps(frames))[2]  # what a spawned worker does
    assert np.array_equal(image.numpy(), dataset.image(2))


def test_in_shard_order_an_item_costs_one_request_per_array(
    tmp_path: Path, write: Write, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: TorchDataset = pickle.loads(pickle.dumps(read_torch(write(tmp_path, spec))))
    asked: Counter[str] = Counter()
    for name in ("get_ranges", "get_tail"):
        method = getattr(Objects, name)

        def counted(*given: Any, name: str = name, method: Callable[..., Any] = method) -> Any:
            asked[name] += 1
            return method(*given)

        monkeypatch.setattr(Objects, name, counted)
    for position in ShardSampler(frames, seed=1):
        frames[position]
    assert asked == {"get_ranges": 2 * spec.frames, "get_tail": 2 * spec.shards}


def test_the_sampler_shuffles_shards_and_the_frames_within(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    longer = spec.model_copy(update={"frames": 12, "frames_per_shard": 4})
    sampler = ShardSampler(read_torch(write(tmp_path, longer, shards=[0, 2])), seed=3)
    orders = []
    for epoch in range(4):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        assert list(sampler) == orders[-1]
        assert sorted(orders[-1]) == list(range(8))
        assert [{position // 4 for position in half} for half in (orders[-1][:4], orders[-1][4:])] in (
            [{0}, {1}],
            [{1}, {0}],
        )
    assert len(sampler) == 8
    assert len(set(map(tuple, orders))) == 4
