"""Records of trainings and tests become rows; every reading of the test split is remembered."""

import json
from pathlib import Path

from raysynth.config import Config, DataConfig, EvaluateConfig, PopulationConfig
from raysynth.data.frames import Frame
from raysynth.experiment.arms import Job
from raysynth.experiment.outcome import collect, log_read, reads
from raysynth.experiment.protocol import Row

FRAMES = (Frame("02", 0, Path("t000.tif"), (), 2),)


def job(folder: Path, row: Row, seed: int, seg: float, gain: float) -> Job:
    """A row and seed whose training and test are done: two cells, one of them found."""
    data = DataConfig(root="data", dimensions=2)
    config = Config(
        name="discs", workspace=str(folder), data=data, population=PopulationConfig(frame_px=(9, 9)),
        evaluate=EvaluateConfig(),
    )  # fmt: skip
    done = Job(config, folder, row, seed, 1.0, {"real": 3})
    run = {"images": [3], "gain_in_last_quarter": gain, "step": 100, "curve": [[50, 0.1], [100, 0.2]]}
    score = {"seg": seg, "frames": [{"name": "02/t000", "jaccard": [2 * seg, 0.0], "predicted": 1}]}
    for path, record in ((done.run, run | {"validation": 0.2}), (done.scores, score)):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record | {"seconds": 1.5}))
    return done


def test_rows_hold_means_over_seeds_and_say_whether_the_plateau_was_reached(tmp_path: Path) -> None:
    real, both = Row("real"), Row("both", "main")
    jobs = [job(tmp_path, real, seed, 0.2, 0.004) for seed in range(3)]
    jobs += [job(tmp_path, both, seed, 0.3 + 0.1 * seed, 0.1) for seed in range(3)]
    log_read(jobs[0].config, tmp_path, FRAMES, jobs)
    plan = {"synthetic": {}, "diameter_px": 20.0}
    found = collect(jobs[0].config, plan, jobs, [real, both], FRAMES, left_out_none=True)
    assert abs(found["rows"]["both (main)"]["seg"] - 0.4) < 1e-9
    assert found["rows"]["real"]["seconds"] == 9
    assert [row["plateau"] for row in found["rows"].values()] == [True, False]
    assert abs(found["gains"]["both (main) - real"]["mean"] - 0.2) < 1e-9
    assert found["left_out"] == ["none: there are no weights to start from"]
    assert found["versions"]["cellpose"].startswith("3.")


def test_every_reading_of_the_test_split_is_kept(tmp_path: Path) -> None:
    done = job(tmp_path, Row("real"), 0, 0.5, 0.0)
    for table in ("one", "two"):
        log_read(done.config, tmp_path / table, FRAMES, [done])
    assert [(read["table"], read["frames"], read["networks"]) for read in reads(done.config)] == [
        (str(tmp_path / table), 1, ["real.seed0"]) for table in ("one", "two")
    ]
