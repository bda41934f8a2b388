"""Figures that other commands wrote stand beside the table."""

import json
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.experiment.set_metrics import read_figures, sections

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
def files(tmp_path: Path) -> dict[str, str]:
    texts = {
        "fidelity": json.dumps(FIDELITY),
        "morphology": json.dumps(MORPHOLOGY),
        "torn": "{",
        "list": "[1]",
        "other": "{}",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in texts}


def test_each_kind_becomes_a_table_with_a_line_for_each_set(files: dict[str, str]) -> None:
    given = [f"main={files['fidelity']}", f"main={files['morphology']}", f"rho-0={files['fidelity']}"]
    found = read_figures(given, ["main", "rho-0"])
    (fidelity, _, about), (morphology, _, cells) = sections(found)
    assert (fidelity, morphology) == ("Fidelity", "Morphology")
    assert about is not None
    assert about[1][0] == ["main", "100", "inception_v3", "1.182", "0.2287", "0.001107", "0.0006"]
    assert [line[0] for line in about[1]] == ["main", "rho-0"]
    assert cells == (
        ("set", "measure", "real", "synthetic", "ks", "ks of halves"),
        [["main", "cells per frame", "116.9", "92.25", "0.5", "0.4"]],
    )


def test_without_figures_there_is_nothing() -> None:
    assert sections(read_figures([], ["main"])) == []


def test_files_that_hold_no_figures_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    for text in (f"else={files['fidelity']}", files["fidelity"], "main="):
        with pytest.raises(InputError, match="one of the sets main"):
            read_figures([text], ["main"])
    with pytest.raises(InputError, match="absent cannot be read"):
        read_figures([f"main={tmp_path / 'absent'}"], ["main"])
    damaged = tmp_path / "damaged"
    damaged.write_text(json.dumps({name: value for name, value in FIDELITY.items() if name != "a_to_b"}))
    for place in (files["torn"], files["list"], files["other"], damaged):
        with pytest.raises(InputError, match="holds no figures"):
            read_figures([f"main={place}"], ["main"])
