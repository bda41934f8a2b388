"""The report says what was measured, beside the paper's figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from raysynth.base.errors import InputError
from raysynth.experiment.report import markdown, summary, write


def row(
    arm: str, seg: float, synthetic: str | None = None, real: int | None = None, few: int | None = None
) -> dict[str, Any]:
    trained = arm != "none"
    return {
        "arm": arm,
        "synthetic": synthetic,
        "real_frames": real,
        "synthetic_frames": few,
        "seg": seg,
        "seeds": [seg] * 3,
        "validation": seg + 0.01,
        "gain_in_last_quarter": 0.002 if trained else None,
        "plateau": True if trained else None,
        "images": [[3]] * 3,
        "steps_of_checkpoint": [50, 100, 100],
        "curves": [[[50, 0.5], [100, seg]]] * 3,
        "seconds": 12.0,
        "picture": "absent.npz",
    }


def table(folder: Path) -> dict[str, Any]:
    """A table of GOWT1 with an ablation and one row of each curve."""
    return {
        "name": "gowt1",
        "data": "data/Fluo-N2DH-GOWT1",
        "folder": str(folder),
        "rows": {
            "none": row("none", 0.4),
            "real": row("real", 0.80),
            "both (main)": row("both", 0.85, "main"),
            "both (rho-0)": row("both", 0.83, "rho-0"),
            "real, real frames: 1": row("real", 0.6, None, 1),
            "both (main), synthetic frames: 10": row("both", 0.82, "main", None, 10),
        },
        "gains": {"both (main) - real": {"mean": 0.05, "low": 0.01, "high": 0.09}},
        "scored": {"part": "test", "reference": "{sequence}_GT/SEG", "frames": 30},
        "test_reads": [{"time": "2026-01-01T00:00:00+00:00", "table": "t", "frames": 30, "networks": ["real.seed0"]}],
        "left_out": [],
        "settings": {"steps": 100, "network": "CPnet 2-16-32-64", "weights": None},
        "plan": {"synthetic": {"main": ["out/a|b.zarr", "1"]}, "diameter_px": 61.0},
        "versions": {"cellpose": "3.1.1.3"},
    }


def test_every_row_stands_beside_the_paper_s_figure_where_it_has_one(tmp_path: Path) -> None:
    text = markdown(table(tmp_path))
    assert "| real | 0.8000 | 0.800 0.800 0.800 | 0.8100 | 0.881 |" in text
    assert "| both (main) | 0.8500 | 0.850 0.850 0.850 | 0.8600 | 0.914 |" in text
    assert "| both (rho-0) | 0.8300 | 0.830 0.830 0.830 | 0.8400 |  |" in text
    assert "| real, real frames: 1 | 0.6000 | 0.600 0.600 0.600 | 0.6100 |  |" in text
    assert "| both (main), synthetic frames: 10 | 0.8200 | 0.820 0.820 0.820 | 0.8300 |  |" in text


def test_the_interval_over_groups_stands_beside_that_over_frames(tmp_path: Path) -> None:
    found = table(tmp_path)
    assert "over groups" not in markdown(found)
    found["gains"]["both (main) - real"] |= {"groups": 2, "groups_low": -0.02, "groups_high": 0.12}
    text = markdown(found)
    assert "| difference | mean | 95 % interval | interval over groups |" in text
    assert "| both (main) - real | +0.0500 | +0.0100 to +0.0900 | -0.0200 to +0.1200 |" in text
    assert "over the 2 groups of frames" in text


def test_named_ablations_stand_beside_those_of_the_paper(tmp_path: Path) -> None:
    found = table(tmp_path)
    found["rows"] |= {
        "synthetic (scratch)": row("synthetic", 0.82, "scratch"),
        "both (scratch)": row("both", 0.84, "scratch"),
        "both (harmonics)": row("both", 0.81, "harmonics"),
    }
    text = markdown(found)
    assert "| both (scratch) | 0.8400 | 0.840 0.840 0.840 | 0.8500 | 0.889 |" in text
    assert "| synthetic (scratch) | 0.8200 | 0.820 0.820 0.820 | 0.8300 |  |" in text
    assert "| both (harmonics) | 0.8100 | 0.810 0.810 0.810 | 0.8200 |  |" in text
    text = markdown(found | {"name": "cho-samples"})
    assert "| both (harmonics) | 0.8100 | 0.810 0.810 0.810 | 0.8200 | 0.876 |" in text


def test_figures_of_the_sets_are_sections_of_their_own(tmp_path: Path) -> None:
    area = {"real": 670.0, "synthetic": 697.3, "ks": 0.0696, "ks_halves": 0.0954}
    text = markdown(table(tmp_path) | {"figures": {"main": [{"area": area}]}})
    assert "## Morphology" in text
    assert "| main | area | 670 | 697.3 | 0.0696 | 0.0954 |" in text


def test_intervals_plateaus_readings_settings_and_versions_are_there(tmp_path: Path) -> None:
    text = markdown(table(tmp_path))
    for line in (
        "| both (main) - real | +0.0500 | +0.0100 to +0.0900 |",
        "| real | 0.0020 | yes | 50, 100, 100 | 3 | 12 |",
        "| none | untrained |  |",
        "| 2026-01-01T00:00:00+00:00 | 30 | t | real.seed0 |",
        "| synthetic set main | out/a\\|b.zarr |",
        "| version of cellpose | 3.1.1.3 |",
    ):
        assert line in text


def test_three_files_are_written(tmp_path: Path) -> None:
    assert write(table(tmp_path)) == tmp_path / "table.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.html", "table.json", "table.md"]
    assert json.loads((tmp_path / "table.json").read_text()) == table(tmp_path)
    with pytest.raises(InputError, match="gone"):
        write(table(tmp_path / "gone"))


def test_figures_on_the_validation_split_have_files_of_their_own(tmp_path: Path) -> None:
    found = table(tmp_path) | {"scored": {"part": "validation", "reference": "the labels of data", "frames": 8}}
    assert write(found) == tmp_path / "validation.html"
    assert "SEG on the validation split, 8 frames" in (tmp_path / "validation.md").read_text()
    assert not (tmp_path / "table.md").exists()


def test_places_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    write(table(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "table.json").read_text())["folder"] == "out"
    assert all(str(tmp_path) not in path.read_text() for path in (tmp_path / "out").iterdir())


def test_the_summary_is_short(tmp_path: Path) -> None:
    short = summary(table(tmp_path))
    assert short["rows"]["real"] == {"seg": 0.8, "validation": 0.81}
    assert short["test_reads"] == 1
