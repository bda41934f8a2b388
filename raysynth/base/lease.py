"""The lease that keeps a rerun from overlapping the writers of another run of the same data set, or table.

A driver holds `runs/lease.json` and renews it. A lease is dead when its driver's process is gone (seen on the same
host), or when it is not renewed for `patience` seconds of the reader's own clock (other hosts: clocks are never
compared). Taking, replacing and renewing it are conditional writes, so of drivers that try at one moment one succeeds.

Composers look at the lease before they write, so workers that outlive their driver begin no shard once another run has
taken over; one they are writing gets the bytes that the other run would give it.
"""

import json
import socket
import threading
import time
from dataclasses import asdict, dataclass, replace

import psutil

from raysynth.base.disk import STORE_ERRORS
from raysynth.base.errors import InputError, RunError
from raysynth.base.objects import Objects

LEASE_KEY = "runs/lease.json"


@dataclass(frozen=True)
class Holder:
    """Who holds a lease.

    Attributes
    ----------
    run
        Name of the run.
    host, pid, born
        The host of its driver, the number of the driver's process, and when that began, in seconds since the epoch.
    beat
        Number of renewals.
    """

    run: str
    host: str
    pid: int
    born: float
    beat: int = 0

    @classmethod
    def this_process(cls, run: str) -> "Holder":
        """Describe this very process as the driver of a run.

        Parameters
        ----------
        run
            Name of the run.
        """
        process = psutil.Process()
        return cls(run, socket.gethostname(), process.pid, process.create_time())

    @property
    def is_local(self) -> bool:
        """Whether its process would be seen from here."""
        return self.host == socket.gethostname()

    @property
    def is_running(self) -> bool:
        """Whether its process still runs, on this host; one that has ended and was not waited for does not."""
        try:
            process = psutil.Process(self.pid)
            # A reused pid has another time of birth. psutil reckons it from the machine's start, which moves a little
            # whenever the clock is set: hence the second.
            return abs(process.create_time() - self.born) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def is_same_as(self, other: "Holder | None") -> bool:
        """Tell whether another record is of the same process and run, whatever its number of renewals.

        Parameters
        ----------
        other
            The other record; None is not the same.
        """
        return other is not None and replace(other, beat=self.beat) == self

    def to_bytes(self) -> bytes:
        """Write the record as JSON."""
        return json.dumps(asdict(self)).encode()


def read_lease(target: Objects) -> Holder | None:
    """Read who holds the lease.

    Parameters
    ----------
    target
        The data set or table.

    Returns
    -------
    Holder or None
        The present holder; None when nobody holds it.

    Raises
    ------
    InputError
        When the lease is damaged.
    """
    try:
        return _parsed(target, target.get(LEASE_KEY))
    except FileNotFoundError:
        return None


def _parsed(target: Objects, data: bytes) -> Holder:
    try:
        return Holder(**json.loads(data))
    # TypeError: JSON that is no object, or one with other fields.
    except (ValueError, TypeError):
        raise InputError(f"{target.uri}/{LEASE_KEY} is damaged: delete it when no run writes there") from None


def require_lease(target: Objects, run: str) -> None:
    """Refuse to go on unless a run holds the lease.

    Parameters
    ----------
    target
        The data set or table.
    run
        Name of the run.

    Raises
    ------
    InputError
        When another run holds it, or nobody.
    """
    holder = read_lease(target)
    if holder is None or holder.run != run:
        owner = "nobody" if holder is None else f"run {holder.run} on {holder.host}"
        raise InputError(
            f"{LEASE_KEY} is held by {owner}, no longer by run {run}: let one run finish, then start again"
        )


class Lease:
    """The lease of one run, held while the context is open and renewed by a thread.

    A renewal that fails is tried again every `period`. As every renewal is conditional, one that comes too late never
    takes the lease from a run that has replaced this one.

    Parameters
    ----------
    target
        The data set or table.
    run
        Name of the run.
    period
        Seconds between renewals.
    patience
        Seconds without a renewal after which a lease of another host counts as dead.
    """

    def __init__(self, target: Objects, run: str, *, period: float = 5.0, patience: float = 30.0) -> None:
        # `patience` spans several periods: a store that is away for a few seconds must not cost a living run its lease.
        self._target = target
        self._me = Holder.this_process(run)
        self._period = period
        self._patience = patience
        self._done = threading.Event()
        # A daemon, so that renewals never keep a process alive whose main thread has ended.
        self._renewal = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        """Take the lease; InputError when a living run holds it, which takes `patience` to see from another host."""
        while not self._take():
            pass  # it changed hands while we looked
        self._renewal.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Stop renewing and give the lease back, if it is still ours."""
        # The thread ends first: a renewal in between would change the very bytes that the removal is conditional on.
        self._done.set()
        self._renewal.join()
        present = self._present()
        if present is not None and self._me.is_same_as(_parsed(self._target, present)):
            self._target.swap(LEASE_KEY, present, None)

    def _take(self) -> bool:
        """Try to take the lease, new or from a dead holder; whether it is ours."""
        mine = self._me.to_bytes()
        if self._target.put_new(LEASE_KEY, mine):
            return True
        present = self._present()
        if present is None:
            return False
        if present == mine:  # S3's answer to the first try was lost, and it was repeated
            return True
        self._refuse_living(_parsed(self._target, present))
        return self._target.swap(LEASE_KEY, present, mine)

    def _present(self) -> bytes | None:
        try:
            return self._target.get(LEASE_KEY)
        except FileNotFoundError:
            return None

    def _refuse_living(self, holder: Holder) -> None:
        alive = holder.is_running if holder.is_local else self._is_renewed(holder)
        if alive:
            raise InputError(
                f"{LEASE_KEY} is held by run {holder.run} (process {holder.pid} on {holder.host}), which is still "
                "writing: wait for it to finish, or choose another --out"
            )

    def _is_renewed(self, holder: Holder) -> bool:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            # Two reads per period, so that the renewal of a living holder is soon seen.
            time.sleep(min(self._period, self._patience) / 2)
            current = read_lease(self._target)
            if current != holder:
                # None: its holder gave it back. Any other record comes from a renewal or a new holder, so somebody
                # lives.
                return current is not None
        return False

    def _renew(self) -> None:
        while not self._done.wait(self._period):
            try:
                if not self._renew_once():
                    return
            except InputError:
                return
            except (*STORE_ERRORS, RunError):
                continue  # the store may be back before anyone loses patience

    def _renew_once(self) -> bool:
        """Renew the lease; whether it is still ours."""
        present = self._present()
        if present is None:
            return False
        holder = _parsed(self._target, present)
        if not self._me.is_same_as(holder):
            return False
        # Counted on from the stored record, not from ours: a renewal may have been stored although its answer was lost.
        self._me = replace(holder, beat=holder.beat + 1)
        self._target.swap(LEASE_KEY, present, self._me.to_bytes())  # a refusal shows at the next renewal
        return True
