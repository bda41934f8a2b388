"""Who may write a data set."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from threading import Timer

import pytest

from raysynth.base.errors import InputError
from raysynth.base.lease import KEY, Holder, Lease, read, require
from raysynth.base.objects import Objects


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _write(target: Objects, holder: Holder) -> None:
    target.put(KEY, json.dumps(asdict(holder)).encode())


def _elsewhere(run: str = "theirs") -> Holder:
    return replace(Holder.this_process(run), host="another-host")


def test_a_lease_is_held_and_given_back(target: Objects) -> None:
    with Lease(target, "mine"):
        require(target, "mine")
        with pytest.raises(InputError, match="run mine on"):
            require(target, "theirs")
    assert read(target) is None
    with pytest.raises(InputError, match="nobody"):
        require(target, "mine")


def test_a_living_driver_of_this_host_is_refused_at_once(target: Objects) -> None:
    with Lease(target, "first"), pytest.raises(InputError, match="still writing") as error, Lease(target, "second"):
        pass
    assert "first" in str(error.value)
    assert read(target) is None


def test_a_dead_driver_of_this_host_is_replaced_at_once(target: Objects) -> None:
    _write(target, replace(Holder.this_process("dead"), pid=_dead_pid()))
    with Lease(target, "mine", patience=3600):
        require(target, "mine")


def test_a_reused_pid_is_not_the_driver(target: Objects) -> None:
    me = Holder.this_process("dead")
    _write(target, replace(me, born=me.born - 100))
    with Lease(target, "mine", patience=3600):
        require(target, "mine")


def test_a_silent_driver_elsewhere_loses_its_lease(target: Objects) -> None:
    _write(target, _elsewhere())
    with Lease(target, "mine", period=0.1, patience=0.3):
        require(target, "mine")


def test_a_renewing_driver_elsewhere_keeps_its_lease(target: Objects) -> None:
    theirs = _elsewhere()
    _write(target, theirs)
    beat = Timer(0.1, _write, (target, replace(theirs, beat=1)))
    beat.start()
    with pytest.raises(InputError, match="another-host"), Lease(target, "mine", period=0.2, patience=10):
        pass
    beat.join()
    assert read(target) == replace(theirs, beat=1)


def test_the_holder_renews(target: Objects) -> None:
    lease = Lease(target, "mine", period=0.02)
    with lease:
        first = read(target)
        assert first is not None
        while (now := read(target)) is None or now.beat < first.beat + 2:
            pass
    assert now.run == "mine"


def test_a_lost_lease_is_neither_renewed_nor_deleted(target: Objects) -> None:
    with Lease(target, "mine", period=0.02) as lease:
        _write(target, _elsewhere())
        lease._renewal.join()
    assert read(target) == _elsewhere()
