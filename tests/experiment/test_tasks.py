"""The jobs of a table, and what is still to be done of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.config import DataConfig, EvaluateConfig
from raysynth.data.frames import Frame
from raysynth.experiment.inputs import SyntheticSet, TableInputs
from raysynth.experiment.networks import build_network
from raysynth.experiment.plan import TablePlan
from raysynth.experiment.records import keep_records
from raysynth.experiment.rows import TableRow
from raysynth.experiment.tasks import record_tasks, scoring_tasks, table_jobs, training_tasks, unscored, untrained
from tests.fixtures.scenes import WriteDataset

PLAN = TablePlan({}, {}, None, {}, 15.0)
ROWS = (TableRow("none"), TableRow("real", None, 2), TableRow("synthetic", "main"))


@pytest.fixture
def inputs(tmp_path: Path, dataset: WriteDataset) -> TableInputs:
    """Three rows, three real frames that are not there, four synthetic ones."""
    data, settings = DataConfig(root="data", dimensions=2), EvaluateConfig(tile_px=32)
    train = tuple(Frame("01", time, Path(f"t{time}.tif"), (), 2) for time in range(3))
    sets = {"main": SyntheticSet(dataset(), "1", 4)}
    return TableInputs(
        "discs", tmp_path, tmp_path / "table", data, settings, ROWS, train, train, "test", sets, None, "cpu"
    )


def test_each_row_and_seed_is_a_job(inputs: TableInputs) -> None:
    jobs = table_jobs(inputs, PLAN, None)
    assert [job.key for job in jobs] == [
        f"{key}.seed{seed}" for key in ("real.real2", "synthetic.main") for seed in range(3)
    ]
    assert {job.scale for job in jobs} == {30 / 15}


def test_given_weights_have_a_row_and_a_diameter_of_their_own(inputs: TableInputs, tmp_path: Path) -> None:
    weights = build_network(inputs.settings, 0).state_dict()
    torch.save(weights | {"diam_mean": torch.tensor([60.0])}, tmp_path / "w.pt")
    jobs = table_jobs(inputs, PLAN, tmp_path / "w.pt")
    assert jobs[0].key == "none.seed0"
    assert {job.scale for job in jobs} == {60 / 15}


def test_records_that_are_there_are_not_made_again(inputs: TableInputs) -> None:
    jobs = [job for job in table_jobs(inputs, PLAN, None) if job.row.synthetic]
    names = [name for name, _ in record_tasks(jobs, inputs.train, inputs.synthetic)]
    assert names == [f"flows of main {frame}" for frame in range(4)]
    keep_records(inputs.folder / "records" / "main", 2, np.zeros((0, 4, 1, 1), np.float16))
    left = record_tasks(jobs, inputs.train, inputs.synthetic)
    assert [name for name, _ in left] == ["flows of main 0", "flows of main 1", "flows of main 3"]
    left[0][1]()
    assert np.load(inputs.folder / "records" / "main" / "00000.npy").shape[:2] == (1, 4)


def test_only_frames_that_a_seed_draws_have_records(inputs: TableInputs) -> None:
    job = next(job for job in table_jobs(inputs, PLAN, None) if job.row.arm == "real")
    (source,) = job.sources()
    names = [name for name, _ in record_tasks([job], inputs.train, {})]
    assert names == [f"flows of real {frame}" for frame in source.frames]
    assert len(names) == 2


def test_what_is_kept_is_not_done_again(inputs: TableInputs) -> None:
    jobs = table_jobs(inputs, PLAN, None)
    for file in (jobs[0].run, jobs[1].scores):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    assert untrained(jobs) == jobs[1:]
    assert unscored(jobs) == [jobs[0], *jobs[2:]]
    assert unscored([replace(jobs[1], split="validation")]) != []
    assert [name for name, _ in training_tasks(jobs[:1])] == ["real.real2.seed0 trained"]
    assert [name for name, _ in scoring_tasks(jobs[:1])] == ["real.real2.seed0 scored"]
