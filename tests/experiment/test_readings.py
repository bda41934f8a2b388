"""Every reading of the test split is remembered."""

from pathlib import Path

from raysynth.experiment.readings import log_reading, readings


def test_every_reading_of_the_test_split_is_kept(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace" / "discs"
    assert readings(workspace) == ()
    for table in ("one", "two"):
        log_reading(workspace, tmp_path / table, 3, ["real.seed0", "real.seed1"])
    found = readings(workspace)
    assert [(read.table, read.frames, read.networks) for read in found] == [
        (str(tmp_path / table), 3, ("real.seed0", "real.seed1")) for table in ("one", "two")
    ]
    assert found[0].time.endswith("+00:00")


def test_readings_of_earlier_versions_count(tmp_path: Path) -> None:
    line = '{"time": "2026-01-01T00:00:00+00:00", "table": "t", "frames": 1, "networks": ["none.seed0"]}\n'
    (tmp_path / "test-reads.jsonl").write_text(line)
    log_reading(tmp_path, tmp_path, 1, [])
    assert [read.networks for read in readings(tmp_path)] == [("none.seed0",), ()]
