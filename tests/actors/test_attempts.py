"""Attempts are counted in the target, by run, stage and shard."""

import pytest

from raysynth.actors.attempts import ATTEMPTS, Attempts, Exhausted, clear_attempts
from raysynth.base.objects import Objects


def test_attempts_are_numbered_and_bounded(target: Objects) -> None:
    attempts = Attempts(target, "run", limit=2)
    assert [attempts.begin("synthesise", 3), attempts.begin("synthesise", 3)] == [1, 2]
    with pytest.raises(Exhausted, match="2 attempts"):
        attempts.begin("synthesise", 3)


def test_other_shards_stages_and_runs_are_counted_apart(target: Objects) -> None:
    attempts = Attempts(target, "run", limit=1)
    assert attempts.begin("synthesise", 3) == 1
    assert attempts.begin("synthesise", 33) == 1
    assert attempts.begin("compose", 3) == 1
    assert Attempts(target, "rerun", limit=1).begin("synthesise", 3) == 1


def test_clearing_removes_every_record_and_nothing_else(target: Objects) -> None:
    target.put("runs/one.json", b"{}")
    Attempts(target, "run", limit=1).begin("compose", 0)
    assert target.keys(ATTEMPTS)
    clear_attempts(target)
    assert target.keys() == ["runs/one.json"]
