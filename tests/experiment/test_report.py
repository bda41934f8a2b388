"""The report says what was measured, beside the paper's values."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.experiment.gains import Difference, Gain, GroupInterval
from raysynth.experiment.report import markdown, write_report
from raysynth.experiment.result import ScoredOn
from tests.fixtures.tables import row_result, table_result


def test_every_row_stands_beside_the_paper_s_value_where_it_has_one(tmp_path: Path) -> None:
    text = markdown(table_result(tmp_path))
    assert "| real | 0.8000 | 0.800 0.800 0.800 | 0.8100 | 0.881 |" in text
    assert "| both (main) | 0.8500 | 0.850 0.850 0.850 | 0.8600 | 0.914 |" in text
    assert "| both (rho-0) | 0.8300 | 0.830 0.830 0.830 | 0.8400 |  |" in text
    assert "| real, real frames: 1 | 0.6000 | 0.600 0.600 0.600 | 0.6100 |  |" in text
    assert "| both (main), synthetic frames: 10 | 0.8200 | 0.820 0.820 0.820 | 0.8300 |  |" in text


def test_the_interval_over_groups_stands_beside_that_over_frames(tmp_path: Path) -> None:
    found = table_result(tmp_path)
    assert "over groups" not in markdown(found)
    gain = Gain(Difference(0.05, 0.01, 0.09), GroupInterval(2, -0.02, 0.12))
    text = markdown(replace(found, gains={"both (main) - real": gain}))
    assert "| difference | mean | 95 % interval | interval over groups |" in text
    assert "| both (main) - real | +0.0500 | +0.0100 to +0.0900 | -0.0200 to +0.1200 |" in text
    assert "over the 2 groups of frames" in text


def test_named_ablations_stand_beside_those_of_the_paper(tmp_path: Path) -> None:
    found = table_result(tmp_path)
    found = replace(
        found,
        rows=found.rows
        | {
            "synthetic (scratch)": row_result("synthetic", 0.82, "scratch"),
            "both (scratch)": row_result("both", 0.84, "scratch"),
            "both (harmonics)": row_result("both", 0.81, "harmonics"),
        },
    )
    text = markdown(found)
    assert "| both (scratch) | 0.8400 | 0.840 0.840 0.840 | 0.8500 | 0.889 |" in text
    assert "| synthetic (scratch) | 0.8200 | 0.820 0.820 0.820 | 0.8300 |  |" in text
    assert "| both (harmonics) | 0.8100 | 0.810 0.810 0.810 | 0.8200 |  |" in text
    text = markdown(replace(found, name="cho-samples"))
    assert "| both (harmonics) | 0.8100 | 0.810 0.810 0.810 | 0.8200 | 0.876 |" in text


def test_metrics_of_the_sets_are_sections_of_their_own(tmp_path: Path) -> None:
    area = {"real": 670.0, "synthetic": 697.3, "ks": 0.0696, "ks_halves": 0.0954}
    text = markdown(replace(table_result(tmp_path), metrics={"main": [{"area": area}]}))
    assert "## Morphology" in text
    assert "| main | area | 670 | 697.3 | 0.0696 | 0.0954 |" in text


def test_intervals_plateaus_readings_settings_and_versions_are_there(tmp_path: Path) -> None:
    text = markdown(replace(table_result(tmp_path), left_out=("none: no weights",)))
    for line in (
        "| both (main) - real | +0.0500 | +0.0100 to +0.0900 |",
        "| real | 0.0020 | yes | 50, 100, 100 | 3 | 12 |",
        "| none | untrained |  |",
        "| 2026-01-01T00:00:00+00:00 | 30 | t | real.seed0 |",
        "| synthetic set main | out/a\\|b.zarr |",
        "| weights |  |",
        "| version of cellpose | 3.1.1.3 |",
        "Left out: none: no weights.",
    ):
        assert line in text


def test_three_files_are_written(tmp_path: Path) -> None:
    found = table_result(tmp_path / "new")
    assert write_report(found) == tmp_path / "new" / "table.html"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["table.html", "table.json", "table.md"]
    assert json.loads((tmp_path / "new" / "table.json").read_text()) == found.document()
    assert (tmp_path / "new" / "table.md").read_text() == markdown(found)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file"):
        write_report(table_result(tmp_path / "file"))


def test_results_on_the_validation_split_have_files_of_their_own(tmp_path: Path) -> None:
    found = replace(table_result(tmp_path), scored=ScoredOn("validation", "the labels of data", 8))
    assert write_report(found) == tmp_path / "validation.html"
    assert "SEG on the validation split, 8 frames" in (tmp_path / "validation.md").read_text()
    assert not (tmp_path / "table.md").exists()


def test_folders_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_report(table_result(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "table.json").read_text())["folder"] == "out"
    assert all(str(tmp_path) not in path.read_text() for path in (tmp_path / "out").iterdir())
