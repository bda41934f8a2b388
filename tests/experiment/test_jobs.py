"""What a row trains on, and the files that are kept of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from raysynth.config import DataConfig, EvaluateConfig
from raysynth.experiment.jobs import Job
from raysynth.experiment.rows import TableRow
from raysynth.experiment.training_set import TileSource

FOLDER = Path("table")


@pytest.fixture
def job() -> Job:
    """Real data alone."""
    data = DataConfig(root="data", dimensions=2)
    return Job(data, EvaluateConfig(), FOLDER, TableRow("real"), 0, 1.0, {"real": 1, "main": 8})


def test_each_arm_has_its_sources(job: Job) -> None:
    records = FOLDER / "records"
    assert job.sources() == [TileSource(records / "real", [0])]
    assert replace(job, row=TableRow("synthetic", "main")).sources() == [TileSource(records / "main", list(range(8)))]
    mixed = replace(job, row=TableRow("both", "main"), settings=job.settings.with_(real_fraction=0.25)).sources()
    assert [(source.folder.name, source.fraction) for source in mixed] == [("real", 0.25), ("main", 0.75)]
    assert replace(job, row=TableRow("none")).sources() == []


def test_seeds_draw_different_synthetic_frames(job: Job) -> None:
    settings = job.settings.with_(synthetic_frames=3)
    jobs = [replace(job, settings=settings, row=TableRow("synthetic", "main"), seed=seed) for seed in range(4)]
    drawn = {tuple(each.sources()[0].frames) for each in jobs}
    assert len(drawn) > 1
    assert {len(frames) for frames in drawn} == {3}
    fewer = replace(jobs[0], row=TableRow("synthetic", "main", None, 2)).sources()[0].frames
    assert len(fewer) == 2
    assert set(fewer) < set(jobs[0].sources()[0].frames)


def test_files_have_the_names_of_earlier_versions(job: Job) -> None:
    """A folder that was begun before resumes."""
    both = replace(job, row=TableRow("both", "main", 2, 10), seed=1, split="validation")
    assert both.run == FOLDER / "runs" / "both.main.real2.synthetic10.seed1.json"
    assert both.weights == FOLDER / "runs" / "both.main.real2.synthetic10.seed1.pt"
    assert both.scores == FOLDER / "validation" / "both.main.real2.synthetic10.seed1.json"
    assert job.picture == FOLDER / "test" / "real.seed0.npz"
