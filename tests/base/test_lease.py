"""Who may write a data set."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Timer
from typing import Any

import psutil
import pytest

from raysynth.base.errors import InputError, RunError
from raysynth.base.lease import LEASE_KEY, Holder, Lease, read_lease, require_lease
from raysynth.base.objects import Objects

SOON_S = 20.0
"""How long a test waits for what takes a moment; it fails then, and does not hang."""


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, target: Objects) -> Objects:
    """A folder, and a prefix of a bucket."""
    return target if request.param == "folder" else Objects(request.getfixturevalue("bucket"))


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may sleep: what is decided at once is decided without watching the lease."""

    def fail(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr(time, "sleep", fail)


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def put(target: Objects, holder: Holder) -> None:
    target.put(LEASE_KEY, holder.to_bytes())


def elsewhere(run: str = "theirs") -> Holder:
    return replace(Holder.this_process(run), host="another-host")


@contextmanager
def zombie() -> Iterator[Holder]:
    """The holder of a process that has ended, and whose parent has not asked how."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    seen = psutil.Process(process.pid)
    holder = replace(Holder.this_process("zombie"), pid=process.pid, born=seen.create_time())
    assert holder.is_running
    process.stdin.close()  # type: ignore[union-attr]
    deadline = time.monotonic() + SOON_S
    while seen.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        pass
    yield holder
    process.wait()


def test_a_lease_is_held_and_given_back(place: Objects) -> None:
    with Lease(place, "mine"):
        require_lease(place, "mine")
        with pytest.raises(InputError, match="run mine on"):
            require_lease(place, "theirs")
    assert read_lease(place) is None
    with pytest.raises(InputError, match="nobody"):
        require_lease(place, "mine")


def test_a_living_driver_of_this_host_is_refused_at_once(place: Objects, no_waiting: None) -> None:
    with Lease(place, "first"):
        with pytest.raises(InputError, match=r"run first .* is still writing"), Lease(place, "second"):
            pass
        require_lease(place, "first")
    assert read_lease(place) is None


def test_a_dead_driver_of_this_host_is_replaced_at_once(place: Objects, no_waiting: None) -> None:
    put(place, replace(Holder.this_process("dead"), pid=dead_pid()))
    with Lease(place, "mine"):
        require_lease(place, "mine")


def test_a_reused_pid_is_not_the_driver(target: Objects, no_waiting: None) -> None:
    me = Holder.this_process("dead")
    put(target, replace(me, born=me.born - 100))
    with Lease(target, "mine"):
        require_lease(target, "mine")


def test_a_zombie_is_not_a_living_driver(target: Objects) -> None:
    with zombie() as holder:
        assert not holder.is_running
        put(target, holder)
        with Lease(target, "mine"):
            require_lease(target, "mine")


def test_a_silent_driver_elsewhere_loses_its_lease_when_patience_ends(target: Objects) -> None:
    put(target, elsewhere())
    begun = time.monotonic()
    with Lease(target, "mine", period=0.1, patience=0.3):
        require_lease(target, "mine")
    assert time.monotonic() - begun >= 0.3


def test_a_renewing_driver_elsewhere_keeps_its_lease(target: Objects) -> None:
    theirs = elsewhere()
    put(target, theirs)
    beat = Timer(0.1, put, (target, replace(theirs, beat=1)))
    beat.start()
    with pytest.raises(InputError, match="another-host"), Lease(target, "mine", period=0.2, patience=SOON_S):
        pass
    beat.join()
    assert read_lease(target) == replace(theirs, beat=1)


def beats(target: Objects, at_least: int) -> bool:
    """Whether the lease is renewed so often within a while."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        holder = read_lease(target)
        if holder is not None and holder.beat >= at_least:
            return True
        time.sleep(0.005)
    return False


def test_the_holder_renews(place: Objects) -> None:
    with Lease(place, "mine", period=0.02):
        assert beats(place, 3)
        require_lease(place, "mine")


def test_a_failed_renewal_is_tried_again(target: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    swap, errors = Objects.swap, [OSError("no route to host"), RunError("no room left")]

    def failing(self: Objects, *given: Any) -> bool:
        if errors:
            raise errors.pop()
        return swap(self, *given)

    monkeypatch.setattr(Objects, "swap", failing)
    with Lease(target, "mine", period=0.02):
        assert beats(target, 3)
        assert not errors


def test_a_lost_lease_is_neither_renewed_nor_deleted(target: Objects) -> None:
    with Lease(target, "mine", period=0.02):
        put(target, elsewhere())
        time.sleep(0.2)  # ten periods
        assert read_lease(target) == elsewhere()
    assert read_lease(target) == elsewhere()


def test_a_damaged_lease_is_named(target: Objects) -> None:
    target.put(LEASE_KEY, b"{}")
    with pytest.raises(InputError, match=r"lease\.json is damaged: delete it"), Lease(target, "mine"):
        pass


def race(target: Objects, run: str, barrier: Barrier) -> bool:
    """Try for the lease together with others, and keep it until all have tried; whether this one got it."""
    barrier.wait(SOON_S)
    try:
        with Lease(target, run):
            barrier.wait(SOON_S)
            return True
    except InputError:
        barrier.wait(SOON_S)
        return False


@pytest.mark.parametrize("left", ["nothing", "dead"])
def test_of_threads_that_start_together_one_runs(place: Objects, left: str) -> None:
    for attempt in range(5):
        if left == "dead":
            put(place, replace(Holder.this_process("dead"), born=1.0))
        barrier = Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            tries = [pool.submit(race, place, f"{attempt}-{number}", barrier) for number in range(4)]
            assert sum(each.result() for each in tries) == 1
        assert read_lease(place) is None


DRIVER = """
import sys
from raysynth.base.errors import InputError
from raysynth.base.lease import Lease
from raysynth.base.objects import Objects

target = Objects(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    with Lease(target, sys.argv[2]):
        print("runs", flush=True)
        sys.stdin.readline()
except InputError as error:
    print("refused", error, flush=True)
"""


def tell(driver: subprocess.Popen[str]) -> None:
    assert driver.stdin is not None
    driver.stdin.write("\n")
    driver.stdin.flush()


def hear(driver: subprocess.Popen[str]) -> str:
    assert driver.stdout is not None
    return driver.stdout.readline().split()[0]


def test_of_processes_that_start_together_one_runs(place: Objects) -> None:
    if place.folder is None:
        put(place, replace(Holder.this_process("dead"), pid=dead_pid()))
    drivers = [
        subprocess.Popen(
            [sys.executable, "-c", DRIVER, place.uri, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for run in ("one", "two")
    ]
    assert [hear(driver) for driver in drivers] == ["ready", "ready"]
    for driver in drivers:
        tell(driver)
    assert sorted(hear(driver) for driver in drivers) == ["refused", "runs"]
    for driver in drivers:
        driver.communicate()
        assert driver.returncode == 0
    assert read_lease(place) is None
