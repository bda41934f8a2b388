"""Reports print themselves and turn into JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.reports import Report, plain


@dataclass(frozen=True)
class _Stage:
    masks: float
    views: int | None = None


@dataclass(frozen=True)
class _Made(Report):
    cells: int
    rate: float
    seconds: _Stage
    failed: dict[int, str]
    folder: Path
    name: str = "set"


@pytest.fixture
def made() -> _Made:
    return _Made(7, 1.23456, _Stage(2.0), {}, Path("out/x"))


def test_a_report_prints_a_line_for_each_value_and_indents_groups(made: _Made) -> None:
    assert str(made).splitlines() == [
        "cells: 7",
        "rate: 1.235",
        "seconds:",
        "  masks: 2",
        "  views: None",
        "folder: out/x",
        "name: set",
    ]


def test_json_has_every_field_in_order(made: _Made) -> None:
    assert json.loads(json.dumps(made.to_json())) == {
        "cells": 7,
        "rate": 1.23456,
        "seconds": {"masks": 2.0, "views": None},
        "failed": {},
        "folder": "out/x",
        "name": "set",
    }


def test_scalars_of_numpy_sets_and_reports_within_become_plain(made: _Made) -> None:
    assert plain({3: np.float32(0.5), "set": {"b", "a"}, "pair": (1, 2)}) == {
        "3": 0.5,
        "set": ["a", "b"],
        "pair": [1, 2],
    }
    assert plain([made])[0]["cells"] == 7


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    )
)
def test_whatever_is_plain_survives_json(value: object) -> None:
    turned = plain(value)
    assert json.loads(json.dumps(turned)) == turned
