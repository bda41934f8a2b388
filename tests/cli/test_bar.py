"""The bar on a terminal, seen through a pseudo-terminal of 80 and of 120 columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

MESSAGE = "shard 3: 256 cells in 16 frames, 12.3 s; 20.8 cells/s, 1.31 frames/s, actors 97% busy, 0.4 shards waiting"
CODE = f"""
from raysynth.cli.terminal import shown_progress
with shown_progress("shards") as progress:
    progress(0, 6, "24 frames in shards of 4; starting Ray")
    progress(1, 6, {MESSAGE!r})
"""


def _on_terminal(code: str, columns: int) -> list[str]:
    """The lines that a program leaves on a terminal of that many columns, without colours."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=child, env=environment
    )
    os.close(child)
    written = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(parent)
    assert process.wait(60) == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode()).replace("\r", "\n").split("\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_count_time_and_message_are_all_readable(columns: int) -> None:
    lines = _on_terminal(CODE, columns)
    assert max(len(line) for line in lines) <= columns
    assert not any("…" in line for line in lines)
    assert not any("0/?" in line for line in lines)
    bars = [line for line in lines if line.startswith("shards")]
    assert re.search(r"0/6 +\d:\d\d:\d\d", bars[0])
    assert re.search(r"1/6 +\d:\d\d:\d\d", bars[-1])
    shown = " ".join(" ".join(lines).split())  # a long message is wrapped
    assert "24 frames in shards of 4; starting Ray" in shown
    assert MESSAGE in shown
