"""Generate into a bucket that fails one request in twenty: same bytes, and nothing written twice without cause.

    python -m bench s3 [--suite YAML] [--runs 5] [--share 0.05]

Generates into moto's S3 server, in a process of its own, through a layer that can spoil requests. A spoilt request gets
an answer of 503 in place of what was asked, an answer of 500 after it was done, or a connection that ends without an
answer, each equally often. The undisturbed run comes first: its uploads are counted by key at the server, where every
object outside `runs/` must come in once. Each disturbed run is then compared with it, object by object. Cells need no
model; composition and writing are real. Writes `bench/results/s3.json`.
"""

import json
import os
import random
import socket
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from multiprocessing.context import SpawnProcess
from typing import Any

import ray

from bench.common.environment import save_result
from bench.common.fixed_cost import Ellipses, small_frames
from bench.common.same_bytes import differing, hashes
from bench.common.suite import described, suite_options
from raysynth.actors.generate import generate
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify_dataset

_BUCKET, _FRAMES, _SYNTHESIS_S = "cells", 4, 0.2
_CONTROL = "/bench/"
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Spoiler:
    """A WSGI layer before the S3 server: counts uploads by key, and spoils a fraction of the requests."""

    def __init__(self, server: _Application) -> None:
        self.server, self.rng = server, random.Random(0)
        self.share = 0.0
        self.uploads: Counter[str] = Counter()
        self.spoilt: Counter[str] = Counter()
        self.requests = 0

    def __call__(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path.startswith(_CONTROL):
            return self._control(path, respond)
        self.requests += 1
        kind = self.rng.choice(("before", "after", "dropped")) if self.rng.random() < self.share else None
        if kind == "before":
            return self._fail(kind, respond, "503 Slow Down")
        if method == "PUT":
            self.uploads[path] += 1
        if kind is None:
            return self.server(environ, respond)
        b"".join(self.server(environ, lambda status, headers, error=None: None))
        if kind == "dropped":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return self._fail(kind, respond, "500 Internal Server Error")

    def _fail(self, kind: str, respond: Callable[..., Any], status: str) -> Iterable[bytes]:
        self.spoilt[kind] += 1
        respond(status, [("Content-Length", "0")])
        return [b""]

    def _control(self, path: str, respond: Callable[..., Any]) -> Iterable[bytes]:
        """Answer `/bench/FRACTION` with the counts since the last call; from now on spoil that fraction of requests."""
        body = json.dumps({"requests": self.requests, "spoilt": self.spoilt, "uploads": self.uploads}).encode()
        self.share = float(path.removeprefix(_CONTROL))
        self.requests, self.spoilt, self.uploads = 0, Counter(), Counter()
        respond("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def _serve(port: int) -> None:
    """Be the server's process."""
    import logging

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (as long as the process)
    run_simple("127.0.0.1", port, _Spoiler(DomainDispatcherApplication(create_backend_app)), threaded=True)


def _start() -> tuple[SpawnProcess, str]:
    """Start a server with one bucket; return it and its address, to which the environment points."""
    import boto3

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = SpawnProcess(target=_serve, args=(port,), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    while True:
        try:
            _control(address, 0.0)
            break
        except OSError:
            time.sleep(0.2)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=_BUCKET)
    return server, address


def _control(address: str, share: float) -> dict[str, Any]:
    """Set the fraction of requests to spoil; return what was counted before."""
    with urllib.request.urlopen(f"{address}{_CONTROL}{share}", timeout=60) as answer:
        counted: dict[str, Any] = json.load(answer)
        return counted


def _make(name: str, shards: int, cells: int) -> dict[str, Any]:
    """Generate one data set; return how often it was started, and the seconds."""
    config, maker = small_frames(shards, _FRAMES, cells), Ellipses(0, cells, _SYNTHESIS_S)
    started, starts = time.monotonic(), 0
    while True:
        starts += 1
        try:
            summary = generate(
                config, f"s3://{_BUCKET}/{name}", address="auto", factory=lambda bundle, config, device: lambda: maker
            )
        except OSError as error:
            print(f"{name}: started again after {type(error).__name__}", flush=True)
            continue
        if not summary.failed:
            return {"starts": starts, "seconds": round(time.monotonic() - started, 1)}
        print(f"{name}: started again for {summary.failed}", flush=True)


def main() -> None:
    """Make the undisturbed run, then the disturbed ones."""
    arguments = described(__doc__)
    arguments.add_argument("--runs", type=int)
    arguments.add_argument("--share", type=float, help="of the requests that are spoilt")
    arguments.add_argument("--shards", type=int)
    arguments.add_argument("--cells", type=int, help="per shard")
    chosen = suite_options(arguments, "s3")
    server, address = _start()
    ray.init(num_cpus=2, object_store_memory=100 * 2**20, include_dashboard=False, log_to_driver=False)
    try:
        _control(address, 0.0)
        reference_run = _make("reference", chosen.shards, chosen.cells)
        counted = _control(address, 0.0)
        data = {key: n for key, n in counted["uploads"].items() if f"/{_BUCKET}/reference/runs/" not in key}
        reference, rows = hashes(f"s3://{_BUCKET}/reference"), []
        undisturbed = reference_run | {
            "requests": counted["requests"],
            "objects": len(reference),
            "uploaded_once": sum(n == 1 for n in data.values()),
            "uploaded_more_often": {key: n for key, n in data.items() if n > 1},
        }
        print(undisturbed, flush=True)
        for number in range(chosen.runs):
            _control(address, chosen.share)
            row = _make(f"run-{number}", chosen.shards, chosen.cells)
            counted = _control(address, 0.0)
            row |= {
                "requests": counted["requests"],
                "spoilt": counted["spoilt"],
                "differing": differing(reference, hashes(f"s3://{_BUCKET}/run-{number}")),
                "verified": verify_dataset(Dataset(f"s3://{_BUCKET}/run-{number}")).ok,
            }
            rows.append(row)
            print(row, flush=True)
        same = sum(not row["differing"] and row["verified"] for row in rows)
        save_result("s3", {"share": chosen.share, "undisturbed": undisturbed, "same": same, "runs": rows})
    finally:
        ray.shutdown()
        server.terminate()
