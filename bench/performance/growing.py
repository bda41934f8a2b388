"""Begin a run without any GPU node: it must get the nodes of an autoscaler, use them all, and end well.

    python -m bench growing [--config configs/demo-2d.yaml] [--frames 12]

Starts a Ray head whose autoscaler adds up to 2 nodes with a pretended GPU each (Ray's `fake_multinode` provider:
raylets on this machine), and generates with `runtime.max_actors=2`. Every shard waits until both actors have begun.
So the run ends only if both nodes came, and only if both were asked for before any shard was made. Verifies the data
set and writes `bench/results/growing.json`. The actors compute on the CPU.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import ray

from bench.common.environment import save_result
from bench.common.suite import described
from raysynth.actors.generate import generate
from raysynth.actors.pipeline import Synthesised, Synthesiser
from raysynth.actors.sent_bundle import SentBundle
from raysynth.actors.work import CascadeFactory, cascade_factory
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify_dataset

_NODES, _PATIENCE_S = 2, 900
_HEAD = "f" * 51 + "00000"  # what the provider calls its head node
_COMMANDS = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")

# Workers may run where `bench` cannot be imported: what is sent to them travels by value.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class _Gathering:
    """The cascade of `inner`, in actors that begin no shard before all of them are there."""

    inner: CascadeFactory
    folder: Path

    def __call__(self) -> Synthesiser:
        """Make a synthesiser that first waits for the others."""
        (self.folder / uuid.uuid4().hex).touch()
        cascade = self.inner()

        def synthesise(shard: int) -> Synthesised:
            until = time.monotonic() + _PATIENCE_S
            while len(list(self.folder.iterdir())) < _NODES:
                if time.monotonic() > until:
                    raise TimeoutError(f"fewer than {_NODES} actors after {_PATIENCE_S} s")
                time.sleep(0.2)
            return cascade(shard)

        return synthesise


def _gathering(folder: Path) -> Callable[[SentBundle, Config, str], _Gathering]:
    """Make a factory for `generate`; the GPUs are pretended, so its cascade runs on the CPU."""
    return lambda bundle, config, device: _Gathering(cascade_factory(bundle, config, "cpu"), folder)


@contextmanager
def _autoscaling_cluster(folder: Path) -> Iterator[str]:
    """Start a head without GPU whose autoscaler adds `_NODES` nodes; yield its address, end all its processes."""
    with socket.socket() as free:
        free.bind(("", 0))
        address = f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"
    file = folder / "cluster.json"
    file.write_text(json.dumps(_settings(address)))
    command = ["ray", "start", "--head", "--block", f"--port={address.split(':')[1]}", f"--autoscaling-config={file}"]
    command += ["--num-cpus=1", "--num-gpus=0", "--object-store-memory=100000000", "--include-dashboard=false"]
    os.environ |= {"RAY_FAKE_CLUSTER": "1", "RAY_AUTH_MODE": "disabled", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    with (folder / "ray.log").open("w") as log:
        program = [str(Path(sys.executable).with_name(command[0])), *command[1:], f"--temp-dir={folder}"]
        head = psutil.Popen(program, stdout=log, stderr=subprocess.STDOUT)
        try:
            _await(head, folder / "ray.log")
            yield address
        finally:
            processes = [head, *head.children(recursive=True)]
            for process in reversed(processes):
                process.terminate()
            for process in psutil.wait_procs(processes, 20)[1]:
                process.kill()


def _await(head: psutil.Popen, log: Path) -> None:
    while "Ray runtime started" not in log.read_text():
        if head.poll() is not None:
            raise SystemExit(f"Ray did not start:\n{log.read_text()}")
        time.sleep(0.2)


def _settings(address: str) -> dict[str, object]:
    gpu = {"CPU": 1, "GPU": 1, "object_store_memory": 100_000_000}
    return {
        "cluster_name": "growing",
        "max_workers": _NODES,
        "idle_timeout_minutes": 1,
        "upscaling_speed": _NODES,
        "provider": {
            "type": "fake_multinode",
            "gcs_address": address,
            "head_node_id": _HEAD,
            "use_node_id_as_ip": True,
            "launch_multiple": True,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
            "gpu": {"resources": gpu, "node_config": {}, "min_workers": 0, "max_workers": _NODES},
        },
        **{key: {} for key in ("docker", "auth", "file_mounts")},
        **{key: [] for key in ("cluster_synced_files", "rsync_exclude", "rsync_filter")},
        **{f"{name}_commands": [] for name in _COMMANDS},
        "file_mounts_sync_continuously": False,
    }


def main() -> None:
    """Run it."""
    parser = described(__doc__)
    parser.add_argument("--config", default="configs/demo-2d.yaml")
    parser.add_argument("--frames", type=int, default=12)
    given = parser.parse_args()
    changes = ["runtime.device=cuda", f"runtime.max_actors={_NODES}", "generate.frames_per_shard=3"]
    config = load(Path(given.config), [*changes, "generate.cells_per_shard=12", "population.cells=[3,6]"])
    with tempfile.TemporaryDirectory(prefix="grow", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (actors := folder / "actors").mkdir()
        with _autoscaling_cluster(folder) as address:
            started = time.monotonic()
            summary = generate(
                config, str(folder / "set.zarr"), given.frames, address=address, factory=_gathering(actors)
            )
            elapsed = time.monotonic() - started
        bad = verify_dataset(Dataset(summary.dataset)).bad
        came = len(list(actors.iterdir()))
    assert summary.failed == {}, summary.failed
    assert not bad, bad
    assert came == _NODES, f"{came} actors began"
    assert summary.pool is not None
    results = {"gpus_at_start": summary.pool.actors, "actors": came, "shards": summary.made, "seconds": elapsed}
    save_result("growing", results)
