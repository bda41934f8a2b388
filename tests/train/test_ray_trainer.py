"""Training under Ray Train on a real cluster: however many workers, whatever kills them, the same is learnt."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import ray
import torch

from raysynth.actors.train import train_models
from raysynth.base.errors import InputError, TrainingFailed
from raysynth.base.objects import Objects
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.train import ray_trainer
from raysynth.train.board import Evaluation
from raysynth.train.checkpoints import Checkpoints
from raysynth.train.ray_trainer import fit_on_ray, require_shared, scaling_of
from raysynth.train.run import describe_bundle, into_bundle
from raysynth.train.shipping import PreparedParcel
from tests.fixtures.training import bundle_folder, job_of, prepared_folder, prepared_of, train_one

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)
# Workers cannot import the tests: what the tests send them travels by value.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
train_in_worker = ray_trainer._worker


def _copy(config: Config, workspace: Path) -> Config:
    shutil.copytree(config.workspace, workspace)
    return config.with_(workspace=str(workspace))


def _on_ray(config: Config, workers: int) -> dict[str, float]:
    """Train MaskDDPM with workers, and put it into the config's bundle."""
    job, parcel = job_of(config, "masks"), PreparedParcel.pack(prepared_folder(config), config.crops)
    fit_on_ray(job, parcel, workers, config.runtime.max_failures)
    return into_bundle(job, bundle_folder(config), describe_bundle(config, prepared_of(config)))


def _checkpoints(config: Config) -> list[int]:
    """Steps of MaskDDPM's checkpoints."""
    return Checkpoints(Objects(job_of(config, "masks").storage), keep=2).steps()


def _training(config: Config, **changes: Any) -> Config:
    return config.with_(masks={"train": changes})


def _weights(config: Config) -> torch.Tensor:
    model, _ = open_bundle(bundle_folder(config)).masks
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
    train_one(trainable, "masks", stop_at=2)  # all resume from the same checkpoint
    alone, one, two = (_copy(trainable, folder / name) for name in ("alone", "one", "two"))
    metrics = train_one(alone, "masks")
    assert _on_ray(one, workers=1) == pytest.approx(metrics)
    assert _on_ray(two, workers=2).keys() == metrics.keys()
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
    killed = trainable.with_(storage=bucket)
    mark, address = tmp_path_factory.mktemp("killed") / "mark", {k: v for k, v in os.environ.items() if "AWS_" in k}

    def die_once_in_step_4() -> None:
        from raysynth.train.optimisation import Optimisation

        os.environ.update(address)
        step, done = Optimisation.step, count(1)

        def dying_step(*arguments: Any) -> dict[str, float]:
            if next(done) == 4 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments)

        setattr(Optimisation, "step", dying_step)  # noqa: B010

    in_workers(die_once_in_step_4)
    capfd.readouterr()
    metrics = _on_ray(killed, workers=1)
    said = capfd.readouterr()
    assert train_one(alone, "masks") == pytest.approx(metrics)
    assert mark.exists()
    assert torch.equal(_weights(killed), _weights(alone))
    assert _checkpoints(killed)[-2:] == [4, 6]
    assert not (Path(killed.workspace) / "discs" / "training").exists()
    steps = [line.split()[2] for line in said.out.splitlines() if "images/s" in line]
    assert steps == [f"{step}/6" for step in (1, 2, 3, 3, 4, 5, 6)], "it resumed from the checkpoint of step 2"
    others = [line for line in (said.out + said.err).splitlines() if not line.startswith("masks step ")]
    # That a worker died; on a busy machine also that many were started.
    assert all("(raylet)" in line for line in others), f"only Ray's nodes have more to say, not {others}"


def test_two_workers_stop_early_at_the_same_step(
    cluster: None, trainable: Config, in_workers: Callable[[Callable[[], None]], None]
) -> None:
    config = _training(trainable, steps=40, patience=2)

    def learn_nothing() -> None:
        from raysynth.train.masks import MaskTask

        losses = count(1.0)
        setattr(MaskTask, "evaluate", lambda *arguments: Evaluation({"held_out_loss": next(losses)}))  # noqa: B010

    in_workers(learn_nothing)
    _on_ray(config, workers=2)
    assert _checkpoints(config) == [2, 4, 6]
    assert bundle_folder(config).is_dir()


def test_all_models_are_trained_side_by_side(cluster: None, trainable: Config) -> None:
    report = train_models(trainable, "all", workers=1)
    assert report.ok
    assert list(report.models) == ["masks", "texture"]
    figures = open_bundle(bundle_folder(trainable)).info.figures
    assert figures == {name: of_model.metrics for name, of_model in report.models.items()}


def test_workers_that_keep_failing_end_the_training_with_a_reason(
    cluster: None, trainable: Config, in_workers: Callable[[Callable[[], None]], None]
) -> None:
    def fail() -> None:
        raise ValueError("the disk is made of cheese")

    in_workers(fail)
    with pytest.raises(TrainingFailed, match=r"^ValueError: the disk is made of cheese$"):
        _on_ray(trainable.with_(runtime={"max_failures": 0}), workers=1)


def test_what_a_worker_refuses_is_said_without_another_attempt(cluster: None, trainable: Config) -> None:
    train_one(trainable, "masks", stop_at=2)
    with pytest.raises(InputError, match="of 4 steps where the settings say 9"):
        _on_ray(_training(trainable, steps=9), workers=1)


@pytest.mark.parametrize(
    ("workers", "said"), [(3, r"masks\.train\.batch is 4, which 3 workers"), (4, "the cluster has 2 CPUs")]
)
def test_workers_that_do_not_fit_are_refused(cluster: None, trainable: Config, workers: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        scaling_of(job_of(trainable, "masks"), workers)


def test_workers_claim_their_threads_or_what_there_is(cluster: None, trainable: Config) -> None:
    narrow, wide = job_of(trainable, "masks"), job_of(_training(trainable, threads=2), "masks")
    assert scaling_of(narrow, 2).total_resources == {"CPU": 2.0}
    assert scaling_of(wide, 1).total_resources == {"CPU": 2.0}
    assert scaling_of(wide, 2).total_resources == {"CPU": 2.0}


def test_a_folder_that_other_machines_do_not_see_is_refused(
    cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One machine stands for two; the second looks where nothing is, as it would on a disk of its own."""
    here = ray.nodes()[0]
    monkeypatch.setattr(ray, "nodes", lambda: [here, here])
    objects = Objects(str(tmp_path), create=True)
    require_shared(objects)
    monkeypatch.setattr(objects, "folder", tmp_path / "of another machine")
    with pytest.raises(InputError, match="is not seen by all 2 machines of the cluster: set storage to"):
        require_shared(objects)
    assert objects.keys() == []
