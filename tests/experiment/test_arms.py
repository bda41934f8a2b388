"""One arm, trained and tested in this process."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from raysynth.config import Config, DataConfig, EvaluateConfig, PopulationConfig
from raysynth.data.splits import split_frames
from raysynth.experiment import arms
from raysynth.experiment.arms import Job
from raysynth.experiment.protocol import Row
from raysynth.experiment.training_set import Source, keep, records


@pytest.fixture
def job(pairs: Callable[..., Path], tmp_path: Path) -> Job:
    """Real data alone, one frame each to train, validate and test."""
    data = DataConfig.model_validate(
        {"root": str(pairs("real", 3)), "layout": "pairs", "dimensions": 2, "group_pattern": "(f[0-9]+)"}
        | {"split": {"by": "group", "train": ("f00",), "validation": ("f01",), "test": ("f02",)}}
    )
    evaluate = EvaluateConfig(steps=4, validate_every=1, batch=2, tile_px=32)
    config = Config(name="d", data=data, population=PopulationConfig(frame_px=(72, 80)), evaluate=evaluate)
    return Job(config, tmp_path / "table", Row("real"), 0, 1.0, {"real": 1, "main": 8})


def test_a_training_and_its_test_are_kept(job: Job) -> None:
    (frame,) = split_frames(job.config.data).train
    keep(job.folder / "records" / "real", 0, records(frame.read(), job.scale))
    arms.train(job)
    run = json.loads(job.run.read_text())
    assert [step for step, _ in run["curve"]] == [1, 2, 3, 4]
    assert run["validation"] == max(seg for _, seg in run["curve"])
    assert run["images"] == [1]
    arms.score(job)
    scores = json.loads(job.scores.read_text())
    (tested,) = scores["frames"]
    assert tested["name"] == "f02/f02"
    assert scores["seg"] == pytest.approx(np.mean(tested["jaccard"]))
    assert len(tested["jaccard"]) == 12
    with np.load(job.scores.with_suffix(".npz")) as picture:
        assert {name: picture[name].shape for name in picture} == dict.fromkeys(
            ("image", "reference", "predicted"), (72, 80)
        )
    assert not list(job.folder.rglob(".*"))


def test_untrained_weights_are_validated_and_kept(job: Job) -> None:
    (frame,) = split_frames(job.config.data).train
    keep(job.folder / "records" / "real", 0, records(frame.read(), job.scale))
    arms.train(job)
    none = replace(job, row=Row("none"), start=job.run.with_suffix(".pt"))
    arms.train(none)
    run = json.loads(none.run.read_text())
    assert run["curve"] == [[0, json.loads(job.run.read_text())["validation"]]]
    assert "gain_in_last_quarter" not in run


def test_each_arm_has_its_sources(job: Job) -> None:
    folder = job.folder / "records"
    assert arms.sources(job) == [Source(folder / "real", [0])]
    assert arms.sources(replace(job, row=Row("synthetic", "main"))) == [Source(folder / "main", list(range(8)))]
    both = arms.sources(replace(job, row=Row("both", "main")))
    assert [(source.folder.name, source.share) for source in both] == [("real", 0.5), ("main", 0.5)]
    assert arms.sources(replace(job, row=Row("none"))) == []


def test_seeds_draw_different_synthetic_frames(job: Job) -> None:
    evaluate = job.config.evaluate.model_copy(update={"synthetic_frames": 3})
    config = job.config.model_copy(update={"evaluate": evaluate})
    jobs = [replace(job, config=config, row=Row("synthetic", "main"), seed=seed) for seed in range(4)]
    drawn = {tuple(arms.sources(each)[0].frames) for each in jobs}
    assert len(drawn) > 1
    assert {len(frames) for frames in drawn} == {3}
    fewer = arms.sources(replace(jobs[0], row=Row("synthetic", "main", None, 2)))[0].frames
    assert len(fewer) == 2
    assert set(fewer) < set(arms.sources(jobs[0])[0].frames)
