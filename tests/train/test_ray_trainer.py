"""Training under Ray Train on a real cluster: however many workers, whatever kills them, the same is learnt."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray
import torch

from raysynth.actors.train import train
from raysynth.base.errors import InputError, TrainingFailed
from raysynth.base.objects import Objects
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.train import ray_trainer
from raysynth.train.board import Evaluation
from raysynth.train.checkpoints import Checkpoints
from raysynth.train.ray_trainer import fit_on_ray, require_shared, scaling_of
from raysynth.train.run import bundle_folder, fit, storage_of

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)
# Workers cannot import the tests: what the tests send them travels by value.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
train_in_worker = ray_trainer._worker


def _copy(config: Config, workspace: Path) -> Config:
    shutil.copytree(config.workspace, workspace)
    return config.model_copy(update={"workspace": str(workspace)})


def _training(config: Config, **changes: Any) -> Config:
    masks = config.masks.model_copy(update={"train": config.masks.train.model_copy(update=changes)})
    return config.model_copy(update={"masks": masks})


def _weights(config: Config) -> torch.Tensor:
    model, _ = open_bundle(str(bundle_folder(config))).masks
    return torch.cat([parameter.flatten() for parameter in model.parameters()]).float()


@pytest.fixture
def in_workers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has a function run in every worker before it trains."""

    def _in_workers(before: Callable[[], None]) -> None:
        def worker(arguments: dict[str, Any]) -> None:
            before()
            train_in_worker(arguments)

        monkeypatch.setattr(ray_trainer, "_worker", worker)

    return _in_workers


def test_one_worker_and_two_learn_what_one_process_learns(
    cluster: None, trainable: Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("workers")
    fit(trainable, "masks", stop_at=2)  # all go on from the same checkpoint
    alone, one, two = (_copy(trainable, folder / name) for name in ("alone", "one", "two"))
    figures = fit(alone, "masks")
    assert fit_on_ray(one, "masks", workers=1) == pytest.approx(figures)
    assert fit_on_ray(two, "masks", workers=2).keys() == figures.keys()
    assert torch.equal(_weights(one), _weights(alone))
    # Two halves of a batch are summed in another order than the whole.
    torch.testing.assert_close(_weights(two), _weights(alone), atol=2e-3, rtol=0)


def test_a_killed_worker_costs_its_steps_alone_with_checkpoints_in_a_bucket(
    cluster: None,
    trainable: Config,
    bucket: str,
    in_workers: Callable[[Callable[[], None]], None],
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
) -> None:
    trainable = _training(trainable, steps=6, log_every=1)
    alone = _copy(trainable, tmp_path_factory.mktemp("alone") / "workspace")
    killed = trainable.model_copy(update={"storage": bucket})
    mark, address = tmp_path_factory.mktemp("killed") / "mark", {k: v for k, v in os.environ.items() if "AWS_" in k}

    def die_once_in_step_4() -> None:
        from raysynth.train.loop import Trainer

        os.environ.update(address)
        step, done = Trainer._step, []

        def _step(self: Trainer, *arguments: Any) -> dict[str, float]:
            done.append(None)
            if len(done) == 4 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return step(self, *arguments)

        Trainer._step = _step  # type: ignore[method-assign]

    in_workers(die_once_in_step_4)
    capfd.readouterr()
    figures = fit_on_ray(killed, "masks", workers=1)
    said = capfd.readouterr()
    assert fit(alone, "masks") == pytest.approx(figures)
    assert mark.exists()
    assert torch.equal(_weights(killed), _weights(alone))
    assert Checkpoints(Objects(storage_of(killed, "masks")), keep=2).steps()[-2:] == [4, 6]
    assert not (Path(killed.workspace) / "discs" / "training").exists()
    steps = [line.split()[2] for line in said.out.splitlines() if "images/s" in line]
    assert steps == [f"{step}/6" for step in (1, 2, 3, 3, 4, 5, 6)], "it went on from the checkpoint of step 2"
    others = [line for line in (said.out + said.err).splitlines() if not line.startswith("masks step ")]
    # That a worker died; on a busy machine also that many were started.
    assert all("(raylet)" in line for line in others), f"only Ray's nodes have more to say, not {others}"


def test_two_workers_stop_early_at_the_same_step(
    cluster: None, trainable: Config, in_workers: Callable[[Callable[[], None]], None]
) -> None:
    config = _training(trainable, steps=40, patience=2)

    def learn_nothing() -> None:
        from raysynth.train.masks import MaskTask

        losses = iter(range(1, 20))
        MaskTask.evaluate = lambda self, model, seed: Evaluation({"held_out_loss": next(losses)})  # type: ignore[assignment]

    in_workers(learn_nothing)
    fit_on_ray(config, "masks", workers=2)
    assert Checkpoints(Objects(storage_of(config, "masks")), keep=2).steps() == [2, 4, 6]
    assert bundle_folder(config).is_dir()


def test_all_models_are_trained_side_by_side(cluster: None, trainable: Config) -> None:
    figures = train(trainable, "all", workers=1)
    assert set(figures) == {"masks", "texture"}
    assert all(of["held_out_loss"] > 0 for of in figures.values())
    assert set(open_bundle(str(bundle_folder(trainable))).info.figures) == {"masks", "texture"}


def test_workers_that_keep_failing_end_the_training_with_a_reason(
    cluster: None, trainable: Config, in_workers: Callable[[Callable[[], None]], None]
) -> None:
    def fail() -> None:
        raise ValueError("the disk is made of cheese")

    in_workers(fail)
    runtime = trainable.runtime.model_copy(update={"max_failures": 0})
    with pytest.raises(TrainingFailed, match=r"^ValueError: the disk is made of cheese$"):
        fit_on_ray(trainable.model_copy(update={"runtime": runtime}), "masks", workers=1)


def test_what_a_worker_refuses_is_said_without_another_attempt(cluster: None, trainable: Config) -> None:
    fit(trainable, "masks", stop_at=2)
    with pytest.raises(InputError, match="of 4 steps where the settings say 9"):
        fit_on_ray(_training(trainable, steps=9), "masks", workers=1)


@pytest.mark.parametrize(
    ("workers", "said"), [(3, r"masks\.train\.batch is 4, which 3 workers"), (4, "the cluster has 2 CPUs")]
)
def test_workers_that_do_not_fit_are_refused(cluster: None, trainable: Config, workers: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit_on_ray(trainable, "masks", workers)


def test_workers_claim_their_threads_or_what_there_is(cluster: None, trainable: Config) -> None:
    wide = _training(trainable, threads=2)
    assert scaling_of(trainable, "masks", 2).total_resources == {"CPU": 2.0}
    assert scaling_of(wide, "masks", 1).total_resources == {"CPU": 2.0}
    assert scaling_of(wide, "masks", 2).total_resources == {"CPU": 2.0}


def test_a_folder_that_other_machines_do_not_see_is_refused(
    cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One machine stands for two; the second looks where nothing is, as it would on a disk of its own."""
    here = ray.nodes()[0]
    monkeypatch.setattr(ray_trainer.ray, "nodes", lambda: [here, here])
    objects = Objects(str(tmp_path), create=True)
    require_shared(objects)
    monkeypatch.setattr(objects, "folder", tmp_path / "of another machine")
    with pytest.raises(InputError, match="is not seen by all 2 machines of the cluster: set storage to"):
        require_shared(objects)
    assert objects.keys() == []


def test_missing_crops_are_said_in_one_sentence(cluster: None, trainable: Config, tmp_path: Path) -> None:
    elsewhere = trainable.model_copy(update={"workspace": str(tmp_path / "empty")})
    with pytest.raises(InputError, match="run `raysynth prepare`"):
        fit_on_ray(elsewhere, "masks", workers=1)
