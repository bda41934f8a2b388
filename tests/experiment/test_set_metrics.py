"""Metrics that other commands wrote stand beside the table."""

import json
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.experiment.sections import ReportTable
from raysynth.experiment.set_metrics import named_files, read_metrics, set_sections

FIDELITY = {
    "a": "real", "weights": "inception_v3", "n": 100, "real_to_real": {"fid": 0.2287}, "a_to_b": {"fid": 1.182},
    "fid_ratio": 5.167, "kid_excess": 0.0011069, "kid_excess_error": 0.0006,
}  # fmt: skip
MORPHOLOGY = {
    "cells": "317/480", "unit": "px",
    "cells_per_frame": {"real": 116.9, "synthetic": 92.25, "ks": 0.5, "ks_halves": 0.4},
    "edge_profile": {"difference": 0.004, "halves": 0.006},
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {
        "fidelity": json.dumps(FIDELITY),
        "morphology": json.dumps(MORPHOLOGY),
        "torn": "{",
        "list": "[1]",
        "other": "{}",
        "damaged": json.dumps({name: value for name, value in FIDELITY.items() if name != "a_to_b"}),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: tmp_path / name for name in texts}


def test_each_kind_becomes_a_table_with_a_line_for_each_set(files: dict[str, Path]) -> None:
    given = {"main": [files["fidelity"], files["morphology"]], "rho-0": [files["fidelity"]]}
    fidelity, morphology = set_sections(read_metrics(given, ["main", "rho-0"]))
    assert (fidelity.title, morphology.title) == ("Fidelity", "Morphology")
    assert fidelity.table is not None
    assert fidelity.table.lines[0] == ["main", "100", "inception_v3", "1.182", "0.2287", "0.001107", "0.0006"]
    assert [line[0] for line in fidelity.table.lines] == ["main", "rho-0"]
    assert morphology.table == ReportTable(
        ["set", "measure", "real", "synthetic", "ks", "ks of halves"],
        [["main", "cells per frame", "116.9", "92.25", "0.5", "0.4"]],
    )


def test_without_metrics_there_is_nothing() -> None:
    assert set_sections(read_metrics({}, ["main"])) == []


def test_options_name_sets_and_files() -> None:
    given = ["main=a.json", "rho-0=b=c.json", "main=d.json"]
    assert named_files(given) == {"main": [Path("a.json"), Path("d.json")], "rho-0": [Path("b=c.json")]}
    for text in ("a.json", "main=", "=a.json"):
        with pytest.raises(InputError, match=r"--metrics .*NAME=FILE"):
            named_files([text])


@pytest.mark.parametrize("name", ["torn", "list", "other", "damaged"])
def test_files_that_hold_no_metrics_are_refused(files: dict[str, Path], name: str) -> None:
    with pytest.raises(InputError, match=f"{name} holds no metrics"):
        read_metrics({"main": [files[name]]}, ["main"])


def test_other_sets_and_missing_files_are_refused(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of the sets main"):
        read_metrics({"else": [files["fidelity"]]}, ["main"])
    with pytest.raises(InputError, match="absent cannot be read"):
        read_metrics({"main": [tmp_path / "absent"]}, ["main"])
