"""Training under Ray Train on a real cluster: one worker and two learn the same."""

import shutil
from pathlib import Path

import pytest
import torch

from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.errors import InputError
from raysynth.train.ray_trainer import fit_on_ray
from raysynth.train.run import bundle_folder, fit

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)


def _copy(config: Config, workspace: Path) -> Config:
    shutil.copytree(config.workspace, workspace)
    return config.model_copy(update={"workspace": str(workspace)})


def _weights(config: Config) -> torch.Tensor:
    model, _ = open_bundle(str(bundle_folder(config))).masks
    return torch.cat([parameter.flatten() for parameter in model.parameters()]).float()


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


def test_a_batch_that_workers_cannot_share_is_refused(cluster: None, trainable: Config) -> None:
    with pytest.raises(InputError, match=r"masks\.train\.batch is 4, which 3 workers"):
        fit_on_ray(trainable, "masks", workers=3)


def test_missing_crops_are_said_in_one_sentence(cluster: None, trainable: Config, tmp_path: Path) -> None:
    elsewhere = trainable.model_copy(update={"workspace": str(tmp_path / "empty")})
    with pytest.raises(InputError, match="run `raysynth prepare`"):
        fit_on_ray(elsewhere, "masks", workers=1)
