"""Figures of a run from made-up reports, whose times are known."""

import time

import pytest

from raysynth.actors.meter import Meter
from raysynth.actors.pipeline import Report


def report(
    shard: int, begun: float, synthesised: float, composing: float, written: float, reason: str | None = None
) -> Report:
    return Report(
        shard,
        reason,
        counts={"cells": 10, "frames": 2},
        seconds={"masks": synthesised - begun, "compose": written - composing},
        times={"synthesise": (begun, synthesised), "compose": (composing, written)},
    )


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch, cluster: None) -> Meter:
    """A meter of two actors whose clocks stand: made at 100 s, read at 110 s."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    meter = Meter(actors=2)
    now = 110.0
    return meter


def test_figures_come_from_the_reports(meter: Meter) -> None:
    reports = [report(0, 1002, 1006, 1007, 1008), report(1, 1003, 1006, 1010, 1011)]
    assert list(meter.measured(reports)) == reports
    assert meter.record() == {
        "seconds": {"masks": 7.0, "compose": 2.0},
        "elapsed": 10.0,
        "startup": 2.0,
        "cells_per_second": 2.0,
        "frames_per_second": 0.4,
        "actors_busy": 7 / 20,
        "shards_waiting": (1 + 4) / 10,
    }
    assert meter.line() == "2 cells/s, 0.4 frames/s, actors 35% busy, 0.5 shards waiting"


def test_a_failed_shard_takes_time_and_makes_nothing(meter: Meter) -> None:
    list(meter.measured([report(0, 1002, 1006, 1007, 1008, "compose: disk is full")]))
    figures = meter.figures()
    assert (figures["cells_per_second"], figures["actors_busy"]) == (0, 0.2)


def test_without_actors_nothing_is_said_of_them(cluster: None) -> None:
    assert "actors" not in Meter(actors=0).line()
    assert "actors_busy" not in Meter(actors=0).figures()
