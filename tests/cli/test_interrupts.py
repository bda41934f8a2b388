"""Ctrl-C and SIGTERM: one line, the shell's exit code, no stack; a second one ends the process at once."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from raysynth.cli.interrupts import interruptible
from tests.fixtures.discs import discs_config

SMALL = [
    "generate.frames=400",
    "generate.frames_per_shard=1",
    "generate.cells_per_shard=4",
    "population.frame_px=[64,64]",
    "runtime.actors=1",
]
WAITING = """
import time
from pathlib import Path
from raysynth.cli.interrupts import interruptible
with interruptible("finished shards are kept"):
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        {cleaning}
"""


def _stopped(arguments: list[str], number: int, ready: str, again: bool = False) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a process that gets a signal when it has written `ready` to either."""
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"RAY_ADDRESS": "local"},  # not another test's cluster
    )
    assert process.stdout is not None
    seen = ""
    while ready not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    process.send_signal(number)
    if again:
        time.sleep(0.5)
        process.send_signal(number)
    rest = process.communicate(timeout=90)[0]
    return process.returncode, seen, rest


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)])
def test_the_work_is_unwound_and_one_line_says_what_is_kept(number: int, name: str, code: int) -> None:
    source = WAITING.format(cleaning="print('unwound', flush=True)")
    ended, _, rest = _stopped([sys.executable, "-c", source], number, "ready")
    assert ended == code
    assert rest.splitlines() == ["unwound", f"raysynth: stopped by {name}: finished shards are kept."]


def test_a_second_signal_does_not_wait_for_the_unwinding() -> None:
    source = WAITING.format(cleaning="time.sleep(60)")
    begun = time.monotonic()
    ended, _, rest = _stopped([sys.executable, "-c", source], signal.SIGTERM, "ready", again=True)
    assert (ended, rest) == (143, "")
    assert time.monotonic() - begun < 40


def test_handlers_come_back_and_other_threads_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptible("all is kept"):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    inside: list[object] = []

    def work() -> None:
        with interruptible("all is kept"):
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]


@pytest.mark.timeout(400)
def test_generate_keeps_what_is_finished_and_its_lease_is_free(tmp_path: Path) -> None:
    out = tmp_path / "set.zarr"
    changes = [word for change in SMALL for word in ("--set", change)]
    command = [sys.executable, "-m", "raysynth", "generate", "demo-2d", "--out", str(out), *changes]
    ended, _, rest = _stopped(command, signal.SIGTERM, "shards 1/400")
    assert ended == 143
    last = [line for line in rest.splitlines() if not line.startswith("shards ")]
    assert last == ["raysynth: stopped by SIGTERM: finished shards are kept, and the same command makes the rest."]
    assert list((out / "done").iterdir())
    assert not (out / "runs" / "lease.json").exists()


@pytest.mark.timeout(400)
def test_training_keeps_its_last_checkpoint(tmp_path: Path) -> None:
    config = discs_config(tmp_path, steps=5000)
    ended, _, rest = _stopped(
        [sys.executable, "-m", "raysynth", "train", "masks", str(config)], signal.SIGINT, "step 2"
    )
    assert ended == 130
    assert rest.splitlines()[-1] == (
        "raysynth: stopped by Ctrl-C: the last checkpoint is kept, and the same command resumes from it."
    )
    assert "Traceback" not in rest
    assert list((tmp_path / "workspace" / "discs" / "training" / "masks").iterdir())
