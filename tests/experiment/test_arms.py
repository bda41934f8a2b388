"""One arm, trained and tested in this process."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from raysynth.config import DataConfig, EvaluateConfig
from raysynth.data.splits import split_frames
from raysynth.experiment.arms import score_arm, train_arm
from raysynth.experiment.jobs import Job
from raysynth.experiment.records import keep_records, make_records
from raysynth.experiment.rows import TableRow
from tests.fixtures.scenes import WritePairs


@pytest.fixture
def job(pairs: WritePairs, tmp_path: Path) -> Job:
    """Real data alone, one frame each to train, validate and test; the records are made."""
    data = DataConfig.model_validate(
        {"root": str(pairs("real", 3)), "layout": "pairs", "dimensions": 2, "group_pattern": "(f[0-9]+)"}
        | {"split": {"by": "group", "train": ("f00",), "validation": ("f01",), "test": ("f02",)}}
    )
    settings = EvaluateConfig(steps=4, validate_every=1, batch=2, tile_px=32)
    job = Job(data, settings, tmp_path / "table", TableRow("real"), 0, 1.0, {"real": 1})
    (frame,) = split_frames(data).train
    keep_records(job.folder / "records" / "real", 0, make_records(frame.read(), job.scale))
    return job


def test_a_training_and_its_test_are_kept(job: Job) -> None:
    train_arm(job)
    run = json.loads(job.run.read_text())
    assert [step for step, _ in run["curve"]] == [1, 2, 3, 4]
    assert run["validation"] == max(seg for _, seg in run["curve"])
    assert run["images"] == [1]
    score_arm(job)
    scores = json.loads(job.scores.read_text())
    (tested,) = scores["frames"]
    assert tested["name"] == "f02/f02"
    assert scores["seg"] == pytest.approx(np.mean(tested["jaccard"]))
    assert len(tested["jaccard"]) == 12
    with np.load(job.picture) as picture:
        assert {name: picture[name].shape for name in picture} == dict.fromkeys(
            ("image", "reference", "predicted"), (72, 80)
        )
    assert not list(job.folder.rglob(".*"))


def test_untrained_weights_are_validated_and_kept(job: Job) -> None:
    train_arm(job)
    none = replace(job, row=TableRow("none"), start=job.weights)
    train_arm(none)
    run = json.loads(none.run.read_text())
    assert run["curve"] == [[0, json.loads(job.run.read_text())["validation"]]]
    assert run["images"] == []
    assert "gain_in_last_quarter" not in run
