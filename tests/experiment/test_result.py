"""Records of trainings and tests become rows."""

import json
from pathlib import Path

import pytest

from raysynth.config import DataConfig, EvaluateConfig
from raysynth.data.frames import Frame
from raysynth.experiment.inputs import TableInputs
from raysynth.experiment.jobs import Job
from raysynth.experiment.plan import TablePlan
from raysynth.experiment.result import TableResult, collect_result
from raysynth.experiment.rows import TableRow
from tests.fixtures.tables import table_result

FRAME = Frame("02", 0, Path("t000.tif"), (), 2)
ROWS = (TableRow("none"), TableRow("real"), TableRow("both", "main"))


def inputs(folder: Path) -> TableInputs:
    """A table of three rows, scored on one frame."""
    data = DataConfig(root="data", dimensions=2)
    return TableInputs(
        "discs", folder / "discs", folder, data, EvaluateConfig(), ROWS, (), (FRAME,), "test", {}, None, "cpu"
    )


def job(folder: Path, row: TableRow, seed: int, seg: float, gain: float) -> Job:
    """A row and seed whose training and test are done: two cells, one of them found."""
    done = Job(inputs(folder).data, EvaluateConfig(), folder, row, seed, 1.0, {"real": 3})
    run = {"images": [3], "gain_in_last_quarter": gain, "step": 100, "curve": [[50, 0.1], [100, 0.2]]}
    score = {"seg": seg, "frames": [{"name": "02/t000", "jaccard": [2 * seg, 0.0], "predicted": 1}]}
    for path, record in ((done.run, run | {"validation": 0.2}), (done.scores, score)):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record | {"seconds": 1.5}))
    return done


@pytest.fixture
def found(tmp_path: Path) -> TableResult:
    jobs = [job(tmp_path, ROWS[1], seed, 0.2, 0.004) for seed in range(3)]
    jobs += [job(tmp_path, ROWS[2], seed, 0.3 + 0.1 * seed, 0.1) for seed in range(3)]
    return collect_result(inputs(tmp_path), TablePlan({}, {}, None, {}, 20.0), jobs)


def test_rows_hold_means_over_seeds_and_say_whether_the_plateau_was_reached(found: TableResult) -> None:
    assert list(found.rows) == ["real", "both (main)"]
    assert found.rows["both (main)"].seg == pytest.approx(0.4)
    assert found.rows["both (main)"].seeds == pytest.approx([0.3, 0.4, 0.5])
    assert found.rows["real"].seconds == 9
    assert [row.plateau for row in found.rows.values()] == [True, False]
    assert found.gains["both (main) - real"].difference.mean == pytest.approx(0.2)
    assert found.versions["cellpose"].startswith("3.")


def test_a_row_without_a_job_is_named_as_left_out(found: TableResult) -> None:
    assert found.left_out == ("none: there are no weights to start from",)


def test_the_document_has_the_keys_of_earlier_versions(tmp_path: Path) -> None:
    """Scripts read table.json: bench/tools/tables.py, for one."""
    document = table_result(tmp_path).document()
    assert list(document) == [
        "name", "folder", "data", "rows", "gains", "scored", "test_reads", "left_out", "settings", "plan", "versions",
        "figures",
    ]  # fmt: skip
    assert document["scored"] == {"part": "test", "reference": "{sequence}_GT/SEG", "frames": 30}
    assert document["gains"]["both (main) - real"] == {"mean": 0.05, "low": 0.01, "high": 0.09}
    assert document["test_reads"][0]["networks"] == ["real.seed0"]
    assert document["plan"]["synthetic"] == {"main": ["out/a|b.zarr", "1"]}
    assert list(document["rows"]["real"]) == [
        "arm", "synthetic", "real_frames", "synthetic_frames", "seg", "seeds", "validation", "gain_in_last_quarter",
        "plateau", "images", "steps_of_checkpoint", "curves", "seconds", "picture",
    ]  # fmt: skip
    assert document["rows"]["real"]["curves"][0] == [[50, 0.5], [100, 0.8]]
    assert json.loads(json.dumps(document)) == document


def test_what_is_printed_is_short(tmp_path: Path) -> None:
    short = table_result(tmp_path).to_json()
    assert short["rows"]["real"] == {"seg": 0.8, "validation": 0.81}
    assert short["gains"] == {"both (main) - real": {"mean": 0.05, "low": 0.01, "high": 0.09}}
    assert short["test_reads"] == 1
    assert short["report"] == str(tmp_path / "table.html")
