"""Rates of a run from made-up outcomes, whose times are known."""

import time

import pytest

from raysynth.actors.meter import Meter
from raysynth.actors.shard_outcome import ShardOutcome


def outcome(
    shard: int, begun: float, synthesised: float, composing: float, written: float, reason: str | None = None
) -> ShardOutcome:
    return ShardOutcome(
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


def test_rates_come_from_the_outcomes(meter: Meter) -> None:
    meter.add(outcome(0, 1002, 1006, 1007, 1008))
    meter.add(outcome(1, 1003, 1006, 1010, 1011))
    assert meter.seconds() == {"masks": 7.0, "compose": 2.0}
    assert meter.rates().values() == {
        "elapsed": 10.0,
        "startup": 2.0,
        "cells_per_second": 2.0,
        "frames_per_second": 0.4,
        "actors_busy": 7 / 20,
        "shards_waiting": (1 + 4) / 10,
    }
    assert meter.rates().line() == "2 cells/s, 0.4 frames/s, actors 35% busy, 0.5 shards waiting"


def test_a_failed_shard_takes_time_and_makes_nothing(meter: Meter) -> None:
    meter.add(outcome(0, 1002, 1006, 1007, 1008, "compose: disk is full"))
    rates = meter.rates()
    assert (rates.cells_per_second, rates.actors_busy) == (0, 0.2)


def test_without_actors_nothing_is_said_of_them(cluster: None) -> None:
    assert "actors" not in Meter(actors=0).rates().line()
    assert "actors_busy" not in Meter(actors=0).rates().values()
