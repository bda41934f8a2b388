"""The lease that keeps a rerun from overlapping the writers of another run of the same data set, or table.

A driver holds `runs/lease.json` and renews it. A lease is dead when its driver's process is gone (seen on the same
host), or when it is not renewed for `patience` seconds of the reader's own clock (other hosts: clocks are never
compared). Composers look at the lease before they write, so workers that outlive their driver begin no shard once
another run has taken over; one they are writing gets the bytes that the other run would give it.
"""

import json
import socket
import threading
import time
from dataclasses import asdict, dataclass, replace

import psutil

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects

KEY = "runs/lease.json"


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: the run and its driver's process; `beat` counts the renewals."""

    run: str
    host: str
    pid: int
    born: float
    beat: int = 0

    @classmethod
    def this_process(cls, run: str) -> "Holder":
        """The holder that is this very process."""
        process = psutil.Process()
        return cls(run, socket.gethostname(), process.pid, process.create_time())

    @property
    def is_local(self) -> bool:
        """Whether its process would be seen from here."""
        return self.host == socket.gethostname()

    @property
    def is_running(self) -> bool:
        """Whether its process still runs, on this host. A reused pid has another time of birth."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.born) < 1
        except psutil.NoSuchProcess:
            return False


def read(target: Objects) -> Holder | None:
    """The present holder of the lease, or None."""
    try:
        return Holder(**json.loads(target.get(KEY)))
    except FileNotFoundError:
        return None


def require(target: Objects, run: str) -> None:
    """Raise InputError unless `run` holds the lease."""
    holder = read(target)
    if holder is None or holder.run != run:
        owner = "nobody" if holder is None else f"run {holder.run} on {holder.host}"
        raise InputError(f"{KEY} is held by {owner}, no longer by run {run}: let one run finish, then start again")


class Lease:
    """The lease of one run, held while the context is open and renewed by a thread every `period` seconds."""

    def __init__(self, target: Objects, run: str, *, period: float = 5.0, patience: float = 30.0) -> None:
        self._target = target
        self._me = Holder.this_process(run)
        self._period = period
        self._patience = patience
        self._done = threading.Event()
        self._renewal = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        """Take the lease; InputError when a living run holds it, which takes `patience` to see from another host."""
        self._refuse_living()
        self._write()
        self._renewal.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Stop renewing and give the lease back, if it is still ours."""
        self._done.set()
        self._renewal.join()
        if self._is_ours():
            self._target.delete(KEY)

    def _refuse_living(self) -> None:
        holder = read(self._target)
        if holder is None:
            return
        alive = holder.is_running if holder.is_local else self._is_renewed(holder)
        if alive:
            raise InputError(
                f"{KEY} is held by run {holder.run} (process {holder.pid} on {holder.host}), which is still writing: "
                "wait for it to finish, or choose another --out"
            )

    def _is_renewed(self, holder: Holder) -> bool:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            time.sleep(min(self._period, self._patience) / 2)
            current = read(self._target)
            if current != holder:
                return current is not None
        return False

    def _is_ours(self) -> bool:
        holder = read(self._target)
        return holder is not None and holder.run == self._me.run

    def _renew(self) -> None:
        while not self._done.wait(self._period):
            if not self._is_ours():
                return
            self._me = replace(self._me, beat=self._me.beat + 1)
            self._write()

    def _write(self) -> None:
        self._target.put(KEY, json.dumps(asdict(self._me)).encode())
