"""Training: seeds differ, one repeats; loss, rates, plateau."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from raysynth.config import EvaluateConfig
from raysynth.experiment.network_training import (
    TrainedNetwork,
    describe_training,
    gain_at_the_end,
    segmentation_loss,
    segmentation_rate,
    train_network,
)
from raysynth.experiment.networks import NetworkWeights, build_network
from raysynth.experiment.records import keep_records
from raysynth.experiment.training_set import TileSource, TrainingSet

CONFIG = EvaluateConfig(steps=4, validate_every=1, batch=2, tile_px=32)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up records of one frame."""
    folder = tmp_path_factory.mktemp("records") / "real"
    keep_records(folder, 0, np.random.default_rng(0).random((3, 4, 48, 48)).astype(np.float16))
    return folder


def trained(records: Path, seed: int, segs: list[float]) -> TrainedNetwork:
    """A training whose validations give `segs`."""
    data, given = TrainingSet([TileSource(records, [0])], seed, 32, CONFIG.batch), iter(segs)
    return train_network(build_network(CONFIG, seed), data, CONFIG, lambda network: next(given), "cpu")


def same(a: NetworkWeights, b: NetworkWeights) -> bool:
    return all(torch.equal(value, b[name]) for name, value in a.items())


def test_two_seeds_differ_and_one_repeats_bit_for_bit(records: Path) -> None:
    one = trained(records, 0, [0.1, 0.2, 0.3, 0.4])
    assert same(one.weights, trained(records, 0, [0.1, 0.2, 0.3, 0.4]).weights)
    assert not same(one.weights, trained(records, 1, [0.1, 0.2, 0.3, 0.4]).weights)


def test_two_seeds_differ_from_the_same_start(records: Path) -> None:
    start = build_network(CONFIG, 7).state_dict()
    states = []
    for seed in (0, 1):
        data = TrainingSet([TileSource(records, [0])], seed, 32, CONFIG.batch)
        states.append(train_network(build_network(CONFIG, seed, start), data, CONFIG, lambda n: 0.0, "cpu").weights)
    assert not same(*states)


def test_the_moving_average_of_the_weights_is_validated(records: Path) -> None:
    name, seen = "output.2.weight", dict[float, list[torch.Tensor]]()
    for ema in (0.0, 0.5):
        data, weights = TrainingSet([TileSource(records, [0])], 0, 32, CONFIG.batch), list[torch.Tensor]()

        def validate(network: nn.Module, kept: list[torch.Tensor] = weights) -> float:
            kept.append(network.state_dict()[name].clone())
            return 0.0

        train_network(build_network(CONFIG, 0), data, CONFIG.with_(ema=ema), validate, "cpu")
        seen[ema] = weights
    expected = seen[0.0][0]
    for step, average in zip(seen[0.0], seen[0.5], strict=True):
        expected = (expected + step) / 2
        torch.testing.assert_close(average, expected)
    assert not torch.equal(seen[0.0][-1], seen[0.5][-1])


def test_mixed_precision_trains_nearly_the_same_weights(records: Path) -> None:
    whole, mixed = (
        train_network(
            build_network(CONFIG, 0),
            TrainingSet([TileSource(records, [0])], 0, 32, CONFIG.batch),
            CONFIG.with_(precision=precision),
            lambda network: 0.0,
            "cpu",
        ).weights
        for precision in ("no", "bf16")
    )
    assert not same(whole, mixed)
    assert all(value.dtype == whole[name].dtype for name, value in mixed.items())
    assert all(torch.allclose(value.float(), whole[name].float(), atol=0.1) for name, value in mixed.items())


def test_the_best_validation_gives_the_weights(records: Path) -> None:
    best = trained(records, 0, [0.1, 0.5, 0.2, 0.5])
    assert best.step == 2
    assert [step for step, _ in best.curve] == [1, 2, 3, 4]
    assert not same(best.weights, trained(records, 0, [0.1, 0.2, 0.3, 0.4]).weights)


def test_the_loss_is_cellpose_s() -> None:
    from cellpose.train import _loss_fn_seg

    rng = np.random.default_rng(0)
    target = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    output = torch.from_numpy(rng.normal(size=(2, 3, 8, 8)).astype(np.float32))
    theirs = _loss_fn_seg(target, output, torch.device("cpu"))
    assert float(segmentation_loss(output, torch.from_numpy(target))) == pytest.approx(float(theirs))


def test_the_rate_rises_stays_and_is_halved_ten_times() -> None:
    rates = [segmentation_rate(step, 1000, 1.0) for step in range(1000)]
    assert rates[0] == pytest.approx(0.05)
    assert rates[20:900] == [1.0] * 880
    assert rates[900] == 0.5
    assert rates[-1] == 0.5**10


def test_the_last_quarter_s_gain() -> None:
    assert gain_at_the_end([(25, 0.5), (75, 0.8), (100, 0.803)]) == pytest.approx(0.003)
    assert gain_at_the_end([(25, 0.5), (75, 0.8), (100, 0.7)]) == 0


def test_the_report_says_how_networks_are_trained() -> None:
    found = describe_training(EvaluateConfig(network="full"))
    assert found["network"] == "CPnet 2-32-64-128-256"
    assert found["tile_px"] == 224
    assert "weight decay 1e-05, 2% warm-up, halved 10 times in the last 10%" in found["optimizer"]
