"""Which trainings run side by side, and what one that fails does to the others."""

import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.actors.train import side_by_side, train_each, train_models
from raysynth.base.errors import InputError, TrainingFailed
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config
from raysynth.config.kinds import ModelName
from raysynth.train.job import TrainingJob
from tests.fixtures.training import bundle_folder

MODELS: tuple[ModelName, ...] = ("masks", "views", "texture")
JOBS = [TrainingJob(name, None, "-", "cpu", {}) for name in MODELS]


@pytest.mark.parametrize(
    ("claims", "resources", "count"),
    [
        ([{"CPU": 1.0}, {"CPU": 1.0}], {"CPU": 2.0}, 2),
        ([{"CPU": 2.0}, {"CPU": 1.0}, {"CPU": 1.0}], {"CPU": 3.0}, 2),
        ([{"CPU": 2.0}, {"CPU": 2.0}], {"CPU": 3.0}, 1),
        ([{"CPU": 1.0, "GPU": 1.0}] * 3, {"CPU": 16.0, "GPU": 2.0}, 2),
        ([{"CPU": 1.0}], {"CPU": 8.0}, 1),
    ],
)
def test_as_many_run_at_once_as_surely_fit(
    claims: list[dict[str, float]], resources: dict[str, float], count: int
) -> None:
    assert side_by_side(claims, resources) == count


def test_models_run_at_once() -> None:
    together = threading.Barrier(3, timeout=30)  # breaks unless all three are there at one time
    report = train_each(JOBS, lambda job: {"at": float(together.wait())}, at_once=3)
    assert list(report.models) == list(MODELS)
    assert {of_model.metrics["at"] for of_model in report.models.values()} == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_failure_leaves_the_others_alone(at_once: int) -> None:
    def train(job: TrainingJob) -> dict[str, float]:
        if job.name == "masks":
            raise TrainingFailed("worker 1 was killed")
        return {"loss": 1.0}

    assert train_each(JOBS, train, at_once).to_json() == {
        "masks": {"failed": "worker 1 was killed"},
        "views": {"loss": 1.0},
        "texture": {"loss": 1.0},
    }


def test_a_refusal_is_raised_when_the_others_have_ended() -> None:
    ended: list[str] = []

    def train(job: TrainingJob) -> dict[str, float]:
        if job.name == "masks":
            raise InputError("storage is no folder")
        ended.append(job.name)
        return {}

    with pytest.raises(InputError, match="storage is no folder"):
        train_each(JOBS, train, at_once=1)
    assert ended == ["views", "texture"]


def test_raw_frames_become_a_bundle_in_one_call(tmp_path: Path) -> None:
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:96, :96]
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for frame in range(4):
        labels = np.zeros((96, 96), np.uint16)
        for label, (row, column) in enumerate([(24, 24), (24, 70), (70, 24), (70, 70)], start=1):
            labels[(y - row) ** 2 + (x - column) ** 2 <= rng.uniform(5, 9) ** 2] = label
        image = 200 + 500 * (labels > 0) + rng.normal(0, 10, labels.shape)
        tifffile.imwrite(tmp_path / "images" / f"g{frame}.tif", image.astype(np.uint16))
        tifffile.imwrite(tmp_path / "masks" / f"g{frame}.tif", labels)
    short = {"steps": 2, "batch": 2, "warmup": 1, "threads": 1}
    split = {"by": "group", "validation": ["1"], "test": ["2"]}
    config = Config.model_validate(
        {
            "name": "discs",
            "workspace": str(tmp_path / "workspace"),
            "data": {
                "root": str(tmp_path), "layout": "pairs", "dimensions": 2, "group_pattern": "g([0-9])", "split": split
            },
            "population": {"frame_px": [96, 96]},
            "runtime": {"device": "cpu"},
            "masks": {"channels": [8, 16], "sampler_steps": 2, "train": short},
            "texture": {"channels": [8, 16], "sampler_steps": 2, "train": short},
        }
    )  # fmt: skip
    report = train_models(config)
    assert report.ok
    assert set(report.models) == {"masks", "texture"}
    open_bundle(bundle_folder(config)).check(config)
