"""Attempt records: what bounds the retries of a shard that kills its process.

Ray repeats the work of a dead process without limit. A record is written in the target before each try at a shard, so
the try that would exceed the limit is known, whatever became of the processes before it. Records belong to one run: a
driver that is killed costs its shards nothing.
"""

import json
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from raysynth.base.errors import RaysynthError
from raysynth.base.objects import Objects

ATTEMPTS = "runs/attempts"
"""Where the records lie in a data set."""


class Exhausted(RaysynthError):
    """A shard has used up its attempts without a result."""


@dataclass(frozen=True)
class Attempts:
    """The attempt records of one run.

    Attributes
    ----------
    target
        The data set that it writes.
    run
        Name of the run.
    limit
        Most tries per shard and stage.
    """

    target: Objects
    run: str
    limit: int

    def begin(self, stage: str, shard: int) -> int:
        """Record a try.

        Parameters
        ----------
        stage
            What is tried: `synthesise` or `compose`.
        shard
            Number of the shard.

        Returns
        -------
        int
            Number of the try, from 1.

        Raises
        ------
        Exhausted
            When there were as many as the limit allows.
        """
        folder = f"{ATTEMPTS}/{self.run}/{stage}/{shard:06d}"
        # An object per try and not a counter: nothing is read and written back, so no process can lose another's count.
        number = 1 + len(self.target.keys(folder))
        if number > self.limit:
            raise Exhausted(f"its process died in each of {self.limit} attempts (runtime.max_attempts)")
        record = {"host": socket.gethostname(), "started": datetime.now(UTC).isoformat()}
        self.target.put(f"{folder}/{number:03d}.json", json.dumps(record).encode())
        return number


def clear_attempts(target: Objects) -> None:
    """Delete the records of all runs; only the holder of the data set's lease may.

    Parameters
    ----------
    target
        The data set.
    """
    # Records of interrupted runs go too; they count for nobody, as a new run has a new name.
    for key in target.keys(ATTEMPTS):
        target.delete(key)
